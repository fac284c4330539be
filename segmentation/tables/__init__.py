"""Any raw table in, one table out: sources, formats, headers, numbers as people write them."""

from segmentation import lazily

__getattr__ = lazily(
    __name__,
    number_formats=("conventions_of",),
    read=("read_table",),
    sources=("find_table",),
)
