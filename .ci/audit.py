"""Reads what pip-audit found (JSON, standard input). A known vulnerability is a failure; an index that tells nothing of vulnerabilities is said to be one."""

import json
import sys


def main() -> int:
    try:
        packages = json.load(sys.stdin)["dependencies"]
    except (ValueError, KeyError):
        packages = []
    told = [package for package in packages if "vulns" in package]
    found = [f"{package['name']} {package['version']}: {fault['id']}" for package in told for fault in package["vulns"]]
    sys.stdout.write("".join(f"vulnerable: {line}\n" for line in found))
    sys.stdout.write(f"pip-audit: {len(told)} packages audited, {len(found)} known vulnerabilities\n" if told else "pip-audit: NOT AUDITED, no index that knows of vulnerabilities could be reached\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
