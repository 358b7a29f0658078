"""The model helps the labeller: boxes to start from, and the photos it is least certain of first.

prelabel(folder)                  labels for photos that have none, marked as a machine's
review_queue(folder)              what waits for a person, least certain first
state_of(label), accept(label)    where a label file stands; a person has found it right
"""

from facetracker.assist.prelabel import Prelabelled, prelabel
from facetracker.assist.queue import Waiting, review_queue
from facetracker.assist.states import State, accept, is_unreviewed, state_of

__all__ = [
    "Prelabelled",
    "State",
    "Waiting",
    "accept",
    "is_unreviewed",
    "prelabel",
    "review_queue",
    "state_of",
]
