"""A finished run is made again elsewhere, and every byte is compared."""

from segmentation.core.files import read_json, write_json


def test_a_run_is_repeated_byte_for_byte_and_a_change_is_found(shop):
    done = shop.run("verify", "--run", "shop")
    assert done.returncode == 0, done.stderr
    files = len(read_json(shop.artifact("shop", "manifest.json"))["outputs"])
    assert done.stdout == f"run shop is repeated byte for byte: {files} files\n"
    path = shop.artifact("shop", "manifest.json")
    before = path.read_bytes()
    manifest = read_json(path)
    manifest["outputs"]["assets/shop/segments.csv"] = "0" * 64
    manifest["versions"]["pandas"] = "0"
    write_json(path, manifest)
    done = shop.run("verify", "--run", "shop")
    path.write_bytes(before)
    assert done.returncode == 1
    assert done.stderr.endswith(
        "Error: run shop is not repeated; different are:\n  version pandas\n  output assets/shop/segments.csv\n"
    )


def test_verify_asks_for_what_it_needs(mall, fresh):
    done = mall.run("verify", "--run", "mall")
    assert done.returncode == 2
    assert "make verify RUN=mall DATA=path/to/Mall_Customers.csv" in done.stderr
    done = fresh.run("verify", "--run", "nothing")
    assert done.returncode == 2
    assert "make report RUN=nothing" in done.stderr
