"""Runs a recipe of this folder on the cases of `soter-sim vectors DIR`."""

import json
import pathlib
import sys


def run(library, read_key, accept_auth_key, check_result, refused):
    """Takes the recipe's functions, and the exception whose text is the check that refuses. Exits with 0 if all cases are as expected."""
    folder = pathlib.Path(sys.argv[1])

    def signed(part):
        return (folder / part["json"]).read_bytes(), (folder / part["signature"]).read_bytes()

    def refused_by(case):
        ask = case["ask"]
        if not ask["verified"]:
            return "ask"
        try:
            auth_key = accept_auth_key({**ask, "key": read_key((folder / ask["key"]).read_bytes())}, *signed(case["authKey"]))
            check_result(auth_key, *signed(case["result"]), case["challenge"], case["highestCounter"])
        except refused as error:
            return str(error)
        return None

    print(f"library: {library}")
    all_as_expected = True
    for case in json.loads((folder / "manifest.json").read_bytes())["cases"]:
        check = refused_by(case)
        print(f"{case['name']}: {check or 'accepted'}")
        all_as_expected &= check == case["refusedBy"]
    sys.exit(not all_as_expected)
