"""Labels: labelme's JSON in and out, starting labelme, the audit, COCO, Pascal VOC and YOLO."""
