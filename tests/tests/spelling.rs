//! How messages quote the user's code.

use nalgrad_tests::error::text;

#[test]
fn as_it_was_written() {
    let written = [
        "*list",
        "x[0] > 0.0",
        "*a + -b * *c",
        "x.iter().map(|v| *v > 0.0).sum::<f64>()",
        "Vec::<f64>::with_capacity(n + 1)",
        "let v: Vec<f64> = Vec::new()",
        "a && !b || c",
        "|a, b| a * b",
        "|| x.sin()",
        "for i in 0..n { y += x[i]; }",
        "&mut v[a..b]",
        "m[(i, j)] += -1.0",
        "f64::max(a, -b)",
        "if a <= b { a } else { -b }",
        "std::mem::swap(&mut a, &mut b)",
        "Some(x)?.y",
        "<f64 as std::ops::Mul>::mul(a, b)",
        "a < b && c > d",
        "x as f64 / 2.0",
        "vec![0.0; n]",
    ];
    for code in written {
        let tokens: proc_macro2::TokenStream = code.parse().expect("Rust");
        assert_eq!(text(tokens), code);
    }
}
