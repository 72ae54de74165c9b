"""The table that a measured run prints, and whether anything in it was missed."""


class Report:
    def __init__(self):
        self.rows = []

    def add(self, claim, measured, verdict):
        self.rows.append((claim, str(measured), verdict))
        print(f"{verdict:12} {claim}: {measured}", flush=True)

    def judge(self, claim, measured, met):
        self.add(claim, measured, "ok" if met else "MISSED")

    def skip(self, claim, why):
        self.add(claim, why, "NOT CHECKED")

    def failed(self, claim, failure):
        self.add(claim, f"{type(failure).__name__}: {str(failure)[:1500]}", "MISSED")

    @property
    def missed(self):
        return [row for row in self.rows if row[2] == "MISSED"]

    def table(self):
        widths = [min(90, max(len(row[column].splitlines()[0]) for row in self.rows)) for column in range(2)]
        for claim, measured, verdict in self.rows:
            print(f"{claim:{widths[0]}}  {measured.splitlines()[0]:{widths[1]}}  {verdict}")


def milliseconds(seconds):
    return f"{seconds * 1000:.1f} ms"
