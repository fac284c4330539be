"""How segments are formed: of each method its best optimum, a quick fit for resamples, and what places a customer."""

from segmentation import lazily

__getattr__ = lazily(
    __name__,
    kmeans=("KMEANS",),
    latent=("LatentMethod",),
    mixture=("MIXTURE", "mixture_bic"),
    optima=("division", "feasible_k", "fit_each_k", "further_k", "method_of", "suiting"),
    tell=(),
    trim=("far_out", "forming"),
)
