"""What a run found, each in one line, from its artifacts."""

from segmentation.words import count, sentence


def headline(selection: dict, profiles: dict) -> str:
    """Return the title of the report: the finding, in words that the verdict allows."""
    customers, k = count(profiles["customers"], "customer"), selection["k"]
    titles = {
        "natural": f"{count(k, 'segment')} among {customers}",
        "reproducible": f"{count(k, 'reproducible segment')} among {customers}",
        "constructive": f"{customers}, cut into {count(k, 'part')}",
        "none": f"no segments among {customers}",
    }
    return sentence(titles[selection["verdict"]])


def tell_rows(account: dict) -> str:
    """Return what became of the rows: "200 rows = 198 clean + 2 refused"."""
    collapsed = f" + {account['collapsed']:,} collapsed" if account["collapsed"] else ""
    made = f", of {account['customers']:,} customers" if account["customers"] != account["clean"] else ""
    return (
        f"{account['rows_in']:,} rows = {account['clean']:,} clean + {account['rejected']:,} refused{collapsed}{made}"
    )
