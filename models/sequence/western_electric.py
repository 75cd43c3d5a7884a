"""Western Electric's rules, each stretched until good parts raise as few alarms as asked."""

from __future__ import annotations

from models.sequence import _charts
from models.sequence.base import Channel, Floats, Rows, SequenceModel

RULES = (
    "one part far out",
    "2 of 3 parts out on one side",
    "4 of 5 parts off on one side",
    "a run of parts on one side",
)


class WesternElectric(SequenceModel):
    """Runs of a few parts on one side (Western Electric, Statistical Quality Control Handbook, 1956).

    With the handbook's own limits one column raises an alarm every 92 good parts (Champ and Woodall
    1987): the rules stay, their limits are set by the false alarms allowed.
    """

    name = "western_electric"

    def learn(self, good: Rows) -> Floats:
        """Nothing but the columns: they are standardised already."""
        self.channels_ = tuple(Channel(rule, i) for rule in RULES for i in range(len(good.names)))
        return self.residuals(good)

    def residuals(self, rows: Rows) -> Floats:
        """The standardised columns."""
        return rows.z

    def chart(self, residuals: Floats) -> Floats:
        """Each rule of each column; 1 is the handbook's limit."""
        rules = _charts.western_electric(residuals)
        return rules.transpose(1, 0, 2).reshape(len(residuals), -1)
