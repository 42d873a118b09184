//! Benchmarks of nalgrad: see `benches/`.
