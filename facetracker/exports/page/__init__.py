"""Pages that need no server, made of the same JavaScript as the server's page."""

from facetracker.exports.page.alone import model_of_page, page_alone

__all__ = ["model_of_page", "page_alone"]
