"""Questions that are answered once: mathematics and code, graded as their benchmarks say."""
