"""What works on this machine, and the command that mends what does not."""

from facetracker.doctor.findings import Finding, State, examine
from facetracker.doctor.report import doctor, verdict

__all__ = ["Finding", "State", "doctor", "examine", "verdict"]
