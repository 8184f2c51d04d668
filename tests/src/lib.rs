//! Whole-system stories: the real program, the real database, a real browser. The stories are in `it/`.
