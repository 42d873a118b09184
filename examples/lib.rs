//! Programs that show nalgrad on real data: see the files beside this one.
