"""Pages that need no server, made of the same JavaScript as the server's page."""

from facetracker.exports.page.alone import STATIC, model_of_page, page_alone, page_without_card, piece

__all__ = ["STATIC", "model_of_page", "page_alone", "page_without_card", "piece"]
