"""COCO, Pascal VOC and YOLO in and out."""
