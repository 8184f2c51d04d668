"""Tables in Markdown of reports of measure_places: table.py REPORT... (without `.json`), one for each seed."""

import json
import sys
from pathlib import Path


def main() -> None:
    reports = [json.loads(Path(f"{path}.json").read_text()) for path in sys.argv[1:]]
    first = reports[0]
    seeds = ", ".join(str(report["seed"]) for report in reports)
    sampled = f"{first['addresses_sampled']} addresses a seed; seeds {seeds}"
    print(f"{Path(first['extract']).name}: {sampled}. First hit / first five, %.\n")
    print("| written | " + " | ".join(f"seed {report['seed']}" for report in reports) + " | p99 CPU | asked |")
    print("|---" * (len(reports) + 3) + "|")
    for part in ("queries", "held_out"):
        for rows in zip(*(report[part] for report in reports), strict=True):
            print(row(rows))
    reverses = [report["reverse"] for report in reports]
    print(reverse(reverses))
    print(bound(reverses))


def row(rows: tuple[dict, ...]) -> str:
    shares = [
        f"{found['first_percent']} / {found['first_five_percent']}" if found["asked"] else "-" for found in rows
    ]
    slowest = max(found["processor_time"]["p99_us"] for found in rows) / 1_000
    return "| " + " | ".join([rows[0]["kind"], *shares, f"{slowest:.2f} ms", str(rows[0]["asked"])]) + " |"


def reverse(rows: list[dict]) -> str:
    shares = [f"{found['same_number_percent']} / {found['same_building_percent']}" for found in rows]
    slowest = max(found["processor_time"]["p99_us"] for found in rows)
    return "| " + " | ".join(["reverse, 8 m off: number / building", *shares, f"{slowest} us", "all"]) + " |"


def bound(rows: list[dict]) -> str:
    shares = [f"{found['another_is_nearer_percent']}" for found in rows]
    return "| " + " | ".join(["reverse: another address is nearer", *shares, "-", "all"]) + " |"


if __name__ == "__main__":
    main()
