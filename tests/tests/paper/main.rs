//! The seed paper (T. Parr and J. Howard, "The Matrix Calculus You Need For Deep Learning", arXiv 1802.01528v3): each
//! rule and worked example, against `data/paper_cases.json` or its closed form.

#[macro_use]
mod oracle;
mod cases;
mod jacobians;
mod matrices;
mod rows;
mod training;

use std::collections::BTreeSet;

/// `p3_as_a_product` is a spelling of P3.
fn row(spelling: &str) -> String {
    spelling
        .split('_')
        .next()
        .unwrap_or_default()
        .to_uppercase()
}

#[test]
fn every_row_and_every_instance_is_covered() {
    let rows = |from: usize, to: usize| -> BTreeSet<String> {
        (from..=to).map(|n| format!("P{n}")).collect()
    };
    let tables = [rows::SPELLINGS, jacobians::SPELLINGS].concat();
    let tabled: BTreeSet<_> = tables.iter().map(|(name, _)| row(name)).collect();
    // P18 is P17 transposed.
    let mut all = rows(1, 72);
    all.remove("P18");
    assert_eq!(tabled, all);
    let names = [matrices::NAMES, training::NAMES].concat();
    let closed_forms: BTreeSet<_> = names.iter().map(|name| row(name)).collect();
    assert_eq!(closed_forms, rows(73, 88));

    // The test of a spelling runs on all instances of its row.
    let used: usize = all.iter().map(|id| cases::instances(id).len()).sum();
    assert_eq!(used, 284);
}
