//! The seed paper (T. Parr and J. Howard, "The Matrix Calculus You Need For Deep Learning", arXiv 1802.01528v3): each
//! rule and worked example with a scalar value, against `data/paper_cases.json` or its closed form.

#[macro_use]
mod oracle;
mod cases;
mod matrices;
mod rows;
mod training;

use std::collections::BTreeSet;

/// P1 to P72 as far as they have a scalar value, and those of P73 to P88.
const TABLED: [&str; 43] = [
    "P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10", "P11", "P12", "P13", "P14", "P15",
    "P16", "P37", "P38", "P39", "P40", "P41", "P42", "P43", "P44", "P45", "P46", "P47", "P51",
    "P52", "P53", "P54", "P55", "P56", "P57", "P59", "P60", "P61", "P62", "P63", "P64", "P65",
    "P66", "P72",
];
const CLOSED_FORMS: [&str; 11] = [
    "P73", "P74", "P75", "P79", "P80", "P81", "P82", "P83", "P84", "P87", "P88",
];

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
    let set = |ids: &[&str]| ids.iter().map(|id| row(id)).collect::<BTreeSet<_>>();
    let spellings: Vec<_> = rows::SPELLINGS.iter().map(|(name, _)| *name).collect();
    assert_eq!(set(&spellings), set(&TABLED));
    assert_eq!(
        set(&[matrices::NAMES, training::NAMES].concat()),
        set(&CLOSED_FORMS)
    );

    // The test of a spelling runs on all instances of its row.
    let used: usize = TABLED.iter().map(|id| cases::instances(id).len()).sum();
    assert_eq!(used, 4 * TABLED.len());
}
