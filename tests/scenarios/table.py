"""Prints what diag says of every scenario beside what it should say.

python -m tests.scenarios.table
"""

from diagnostics.lab import scenarios
from tests.scenarios.walking import walked


def main() -> None:
    wrong = alarms = 0
    print("| scenario | expected | got | confidence |\n|---|---|---|---|")
    for scenario in scenarios():
        verdict = walked(scenario.id).printed["verdict"]
        expected = scenario.expect.code or scenario.expect.status
        got = verdict["code"] or verdict["status"]
        wrong += expected != got
        alarms += scenario.expect.status == "healthy" and verdict["status"] != "healthy"
        print(f"| {scenario.id} | {expected} | {got} | {verdict['confidence']} |")
    print(f"\n{len(scenarios())} scenarios, {wrong} with another verdict than expected, {alarms} false alarms")


if __name__ == "__main__":
    main()
