//! What the attributes write: `expand/*.rs` is what a user writes, `expand/*.expanded.rs` what becomes of it.
//!
//! A row of the paper (T. Parr and J. Howard, "The Matrix Calculus You Need For Deep Learning", arXiv 1802.01528v3) is
//! a function such as `p43`; `p43_steps` is the same formula in another spelling, which has to come to the same.

mod canonical;
#[macro_use]
#[path = "../paper/oracle.rs"]
mod oracle;
mod matrices;
mod numbers;
mod readme;

/// The same files, through the macro itself.
#[allow(missing_docs)]
#[path = "../../expand"]
mod source {
    pub mod angle;
    pub mod chain_rules;
    pub mod comparisons;
    pub mod cost;
    pub mod elementwise;
    pub mod energy;
    pub mod gaussian;
    pub mod hessians;
    pub mod huber;
    pub mod least_squares;
    pub mod likelihood;
    pub mod log_determinant;
    pub mod log_sum_exp;
    pub mod logistic;
    pub mod loops;
    pub mod loss;
    pub mod neo_hookean;
    pub mod neuron;
    pub mod operators;
    pub mod partials;
    pub mod quadratic_form;
    pub mod roughness;
    pub mod rows;
    pub mod scalar_expansion;
    pub mod scalar_rules;
    pub mod softmax;
    pub mod sums;
    pub mod traces;
    pub mod vector_chain;
}

use canonical::canonical;
use nalgrad_tests::args::Attribute;
use quote::ToTokens;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use syn::{Item, ItemFn};

/// The rows whose generated code is the paper's closed form or an equally short one: what the body of the gradient,
/// the Jacobian or the Hessian contains, paths left out.
const CLOSED_FORMS: &[(&str, &[&str])] = &[
    ("p1", &["0.0"]),
    ("p2", &["3.0"]),
    ("p3", &["3.0 * x * x"]),
    ("p4", &["3.0 + 2.0 * x"]),
    ("p5", &["2.0 * x - 3.0"]),
    ("p6", &["3.0 * x * x"]),
    ("p7", &["2.0 / x"]),
    ("p8", &["9.0 + 18.0 * x"]),
    ("p9", &["y"]),
    ("p10", &["x"]),
    ("p11", &["6.0 * y * x"]),
    ("p12", &["3.0 * x.powi(2)"]),
    (
        "p13",
        &["Vector2::<f64>::new(6.0 * x[1] * x[0], 3.0 * x[0].powi(2))"],
    ),
    (
        "p13_dynamic",
        &[
            "x_bar[1] += 3.0 * x[0].powi(2);",
            "x_bar[0] += 6.0 * x[1] * x[0];",
        ],
    ),
    ("p14", &["2.0"]),
    ("p15", &["8.0 * y.powi(7)"]),
    ("p16", &["Vector2::<f64>::new(2.0, 8.0 * x[1].powi(7))"]),
    (
        "p16_dynamic",
        &["x_bar[1] += 8.0 * x[1].powi(7);", "x_bar[0] += 2.0;"],
    ),
    (
        "p17",
        &["Matrix2::<f64>::new(6.0 * x[0] * x[1], 3.0 * x[0].powi(2), 2.0, 8.0 * x[1].powi(7))"],
    ),
    (
        "p17_dynamic",
        &[
            "let mut jacobian = DMatrix::<f64>::zeros(2, x.len());",
            "jacobian[(0, 0)] += 6.0 * x[0] * x[1];",
            "jacobian[(0, 1)] += 3.0 * x[0] * x[0];",
            "jacobian[(1, 0)] += 2.0;",
            "jacobian[(1, 1)] += 8.0 * x[1].powi(7);",
        ],
    ),
    ("p19", &["Matrix4::<f64>::identity()"]),
    (
        "p19_dynamic",
        &["DMatrix::<f64>::identity(x.len(), x.len())"],
    ),
    ("p20", &["Matrix4::<f64>::identity()"]),
    (
        "p20_dynamic",
        &["DMatrix::<f64>::identity(w.len(), w.len())"],
    ),
    ("p21", &["Matrix4::<f64>::identity()"]),
    ("p22", &["Matrix4::<f64>::identity()"]),
    ("p23", &["Matrix4::<f64>::from_diagonal_element(-1.0)"]),
    (
        "p23_dynamic",
        &["DMatrix::<f64>::from_diagonal_element(x.len(), x.len(), -1.0)"],
    ),
    ("p24", &["Matrix4::<f64>::from_diagonal(x)"]),
    ("p24_dynamic", &["DMatrix::<f64>::from_diagonal(x)"]),
    ("p25", &["Matrix4::<f64>::from_diagonal(w)"]),
    (
        "p26",
        &["Matrix4::<f64>::from_diagonal(&x.map(|x| 1.0 / x))"],
    ),
    (
        "p26_dynamic",
        &["DMatrix::<f64>::from_diagonal(&x.map(|x| 1.0 / x))"],
    ),
    (
        "p27",
        &["Matrix4::<f64>::from_diagonal(&w.zip_map(x, |w, x| -w / (x * x)))"],
    ),
    (
        "p27_dynamic",
        &["DMatrix::<f64>::from_diagonal(&w.zip_map(x, |w, x| -w / (x * x)))"],
    ),
    (
        "p28",
        &["Matrix4::<f64>::from_diagonal(&x.zip_map(w, |x, w| x.exp() * w.cos()))"],
    ),
    (
        "p28_dynamic",
        &["DMatrix::<f64>::from_diagonal(&x.zip_map(w, |x, w| x.exp() * w.cos()))"],
    ),
    (
        "p29",
        &["Matrix4::<f64>::from_diagonal(&w.zip_map(x, |w, x| w.sin() * x.exp()))"],
    ),
    ("p32", &["Matrix4::<f64>::zeros()"]),
    ("p32_dynamic", &["DMatrix::<f64>::zeros(x.len(), w.len())"]),
    ("p33", &["Matrix4::<f64>::identity()"]),
    (
        "p33_dynamic",
        &["DMatrix::<f64>::identity(x.len(), x.len())"],
    ),
    ("p34", &["Vector4::<f64>::from_element(1.0)"]),
    (
        "p34_dynamic",
        &["DMatrix::<f64>::from_element(x.len(), 1, 1.0)"],
    ),
    ("p35", &["Matrix4::<f64>::from_diagonal_element(z)"]),
    (
        "p35_dynamic",
        &["DMatrix::<f64>::from_diagonal_element(x.len(), x.len(), z)"],
    ),
    ("p36", &["x.clone_owned()"]),
    (
        "p36_dynamic",
        &["DMatrix::<f64>::from_column_slice(x.len(), 1, x.as_slice())"],
    ),
    ("p38", &["Vector4::<f64>::from_element(1.0)"]),
    ("p38_entries", &["Vector4::<f64>::new(1.0, 1.0, 1.0, 1.0)"]),
    (
        "p38_dynamic",
        &["DVector::<f64>::from_element(x.len(), 1.0)"],
    ),
    ("p39", &["Vector4::<f64>::from_element(z)"]),
    ("p40", &["x.sum()"]),
    ("p41", &["Vector4::<f64>::from_element(1.0)"]),
    ("p42", &["2.0 * x * x.powi(2).cos()"]),
    (
        "p43",
        &["let t = x.powi(3);", "6.0 * x * x * t.cos() / t.sin()"],
    ),
    ("p44", &["1.0 + 2.0 * x"]),
    ("p45", &["(x + x.powi(2)).cos() * (1.0 + 2.0 * x)"]),
    ("p46", &["3.0 * x * x"]),
    (
        "p48",
        &["Vector2::<f64>::new(2.0 / x, 3.0 * (3.0 * x).cos())"],
    ),
    (
        "p48_dynamic",
        &["DMatrix::<f64>::from_column_slice(2, 1, &[2.0 / x, 3.0 * (3.0 * x).cos()])"],
    ),
    (
        "p50",
        &[
            "Matrix4::<f64>::from_diagonal(&x.map(",
            "let y = x.powi(3).tanh(); 3.0 * x * x * (1.0 - y) * (1.0 + y)",
        ],
    ),
    (
        "p50_dynamic",
        &[
            "DMatrix::<f64>::from_diagonal(&x.map(",
            "let y = x.powi(3).tanh(); 3.0 * x * x * (1.0 - y) * (1.0 + y)",
        ],
    ),
    ("p51", &["x.clone_owned()"]),
    ("p52", &["w.clone_owned()"]),
    ("p53", &["x.clone_owned()"]),
    ("p54", &["x.clone_owned()"]),
    ("p55", &["1.0"]),
    ("p56", &["if z > 0.0 { 1.0 } else { 0.0 }"]),
    ("p57", &["if z <= 0.0 { 0.0 } else { 1.0 }"]),
    (
        "p58",
        &["Matrix4::<f64>::from_diagonal(&x.map(|x| if x > 0.0 { 1.0 } else { 0.0 }))"],
    ),
    (
        "p58_dynamic",
        &["DMatrix::<f64>::from_diagonal(&x.map(|x| if x > 0.0 { 1.0 } else { 0.0 }))"],
    ),
    (
        "p59",
        &["if w.dot(x) + b > 0.0 { x.clone_owned() } else { Vector4::<f64>::zeros() }"],
    ),
    (
        "p59_dynamic",
        &["if w.dot(x) + b > 0.0 { x.clone_owned() } else { DVector::<f64>::zeros(x.len()) }"],
    ),
    ("p60", &["if w.dot(x) + b > 0.0 { 1.0 } else { 0.0 }"]),
    (
        "p63",
        &[
            "let mut z_bar = x * w;",
            "let s = *entry + b; *entry = if s > 0.0 { -2.0 / n * (y - s) } else { 0.0 };",
            "x.tr_mul(&z_bar)",
        ],
    ),
    (
        "p63_static",
        &["let s = u + b; if s > 0.0 { -0.3333333333333333 * (y - s) } else { 0.0 }"],
    ),
    (
        "p64",
        &[
            "let s = *entry + b; *entry = if s > 0.0 { -2.0 / n * (y - s) } else { 0.0 };",
            "sum(&z_bar)",
        ],
    ),
    (
        "p66",
        &[
            "if *entry > 0.0 { -2.0 / n * (y - *entry) } else { 0.0 }",
            "xhat.tr_mul(&z_bar)",
        ],
    ),
    ("p68", &["Vector4::<f64>::from_element(-1.0)"]),
    (
        "p68_dynamic",
        &["DMatrix::<f64>::from_element(x.len(), 1, -1.0)"],
    ),
    ("p69", &["-(x / (z * z))"]),
    (
        "p69_dynamic",
        &["x.map(|x| -x / (z * z)).reshape_generic(Dyn(x.len()), Dyn(1))"],
    ),
    (
        "p70",
        &["Matrix4::<f64>::from_diagonal(&x.map(|x| -z / (x * x)))"],
    ),
    (
        "p70_dynamic",
        &["DMatrix::<f64>::from_diagonal(&x.map(|x| -z / (x * x)))"],
    ),
    (
        "p71",
        &[
            "Matrix4::<f64>::from_diagonal(&x.zip_map(w, |x, w| if !(x <= w) { 1.0 } else if w == x { 0.5 } else { 0.0 }))",
        ],
    ),
    (
        "p71_dynamic",
        &[
            "DMatrix::<f64>::from_diagonal(&x.zip_map(w, |x, w| if !(x <= w) { 1.0 } else if w == x { 0.5 } else { 0.0 }))",
        ],
    ),
    ("p72", &["Vector4::<f64>::from_element(0.25)"]),
    (
        "p72_dynamic",
        &["DVector::<f64>::from_element(x.len(), 1.0 / x.len() as f64)"],
    ),
    (
        "p78",
        &[
            "let cos = (b * x).map(|u_1| u_1.cos());",
            "a.map_with_location(|_, j, entry| cos[j] * entry) * b",
        ],
    ),
    (
        "p78_dynamic",
        &[
            "let mut cos = b * x; cos.apply(|entry| *entry = (*entry).cos());",
            "a * b.map_with_location(|i, _, entry| cos[i] * entry)",
        ],
    ),
    ("p79", &["a.transpose()"]),
    ("p80", &["(x * a + a * x).transpose()"]),
    ("p81", &["(a * x + a.tr_mul(x), x * x.transpose())"]),
    (
        "p82",
        &[
            "let t = a * x - b;",
            "(a.tr_mul(&t) * 2.0, &t * x.transpose() * 2.0, t * -2.0)",
        ],
    ),
    ("p83", &["inverse_transpose(x)"]),
    ("p83_static", &["inverse_transpose(x)"]),
    (
        "p84",
        &[
            "let inverse = x.clone_owned().try_inverse().unwrap();",
            "(&inverse * a * &inverse).transpose() * -1.0",
        ],
    ),
    ("p84_static", &["-(inverse * a * inverse).transpose()"]),
    ("p85", &["a + a.transpose()"]),
    ("p85_static", &["a + a.transpose()"]),
    (
        "p86",
        &[
            "let mut hessian = tr_mul(a, a) * 2.0;",
            "hessian.fill_upper_triangle_with_lower_triangle();",
        ],
    ),
    (
        "p86_static",
        &[
            "let mut hessian = a.tr_mul(a) * 2.0;",
            "hessian.fill_upper_triangle_with_lower_triangle();",
        ],
    ),
    (
        "p87",
        &[
            "let mut z_bar = x * w;",
            "z_bar.zip_apply(y, |entry, y| *entry = -y / (1.0 + (y * *entry).exp()));",
            "x.tr_mul(&z_bar)",
        ],
    ),
    (
        "p87_static",
        &["x.tr_mul(&y.zip_map(&(x * w), |y, v| -y / (1.0 + (y * v).exp())))"],
    ),
    // The derivative of a number as a row.
    (
        "row_p13",
        &["RowVector2::<f64>::new(6.0 * x[1] * x[0], 3.0 * x[0].powi(2))"],
    ),
    ("row_p38", &["RowVector4::<f64>::from_element(1.0)"]),
    ("row_p39", &["DMatrix::<f64>::from_element(1, x.len(), z)"]),
    ("row_p51", &["x.transpose()"]),
    (
        "row_p51_dynamic",
        &["DMatrix::<f64>::from_column_slice(1, w.len(), x.as_slice())"],
    ),
    ("row_p53", &["x.transpose()"]),
    (
        "row_p72",
        &["DMatrix::<f64>::from_element(1, x.len(), 1.0 / x.len() as f64)"],
    ),
    ("row_square", &["x.transpose() * 2.0"]),
    (
        "row_square_dynamic",
        &["(x * 2.0).reshape_generic(Dyn(1), Dyn(x.len()))"],
    ),
];

/// Spellings that are right but do not come to the same yet.
const LONGER: &[(&str, &str)] = &[
    (
        "p48_vector",
        "2 x / g₀ stays: the entries of a vector that the user builds are read from it",
    ),
    ("p82_norm", "‖r‖ / ‖r‖ stays, as it is 0 at 0"),
];

/// A function of a source file, what was written for it, and where.
struct Expansion {
    attribute: Attribute,
    written: Vec<ItemFn>,
    /// What was written, to the letter.
    items: Vec<Item>,
}

impl Expansion {
    fn name(&self) -> String {
        self.written[0].sig.ident.to_string()
    }

    /// `p43_steps` is a spelling of `p43`.
    fn row(&self) -> Option<String> {
        let name = self.name();
        let row = name.split('_').next().unwrap_or_default();
        let number = row.strip_prefix('p')?;
        (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then(|| row.to_string())
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("expand")
}

/// The source files without those that were generated from them.
fn files() -> Vec<String> {
    let entries = std::fs::read_dir(folder()).expect("the folder of the goldens");
    let names = entries.map(|entry| {
        entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned()
    });
    let sources = names.filter_map(|name| name.strip_suffix(".rs").map(str::to_string));
    let mut sources: Vec<String> = sources
        .filter(|name| !name.ends_with(".expanded"))
        .collect();
    sources.sort();
    sources
}

fn expansions(file: &str) -> Vec<Expansion> {
    let path = folder().join(format!("{file}.rs"));
    let source = std::fs::read_to_string(path).expect("a source file");
    let functions = syn::parse_file(&source).expect("Rust").items.into_iter();
    let annotated = functions.filter_map(|item| match item {
        Item::Fn(mut function) => {
            let mut attributes = function.attrs.iter().enumerate();
            let (at, attribute) =
                attributes.find_map(|(i, a)| Some((i, Attribute::of(a.path())?)))?;
            let arguments = match function.attrs.remove(at).meta {
                syn::Meta::List(list) => list.tokens,
                _ => Default::default(),
            };
            Some((attribute, arguments, function))
        }
        _ => None,
    });
    let expand = |(attribute, arguments, function): (Attribute, _, ItemFn)| {
        let tokens =
            nalgrad_tests::companion::expand(attribute, arguments, function.to_token_stream());
        let items = syn::parse2::<syn::File>(tokens)
            .expect("what is written parses")
            .items;
        let written: Vec<ItemFn> = items
            .iter()
            .filter_map(|item| match item {
                Item::Fn(function) => Some(function.clone()),
                _ => None,
            })
            .collect();
        let count = match attribute {
            Attribute::Gradient | Attribute::Jacobian | Attribute::Hessian => 3,
            _ => 2,
        };
        let name = &function.sig.ident;
        assert_eq!(written.len(), count, "`{name}` is refused");
        assert_eq!(
            written[0].to_token_stream().to_string(),
            function.to_token_stream().to_string(),
            "the function itself comes first and is unchanged"
        );
        Expansion {
            attribute,
            written,
            items,
        }
    };
    annotated.map(expand).collect()
}

fn all() -> Vec<Expansion> {
    files().iter().flat_map(|file| expansions(file)).collect()
}

/// The golden of a file: both companions of its function, or the derivatives of its rows. Only that of the README's
/// example shows the attributes, and the line that makes sure of the types. Documentation is left out: it has tests of
/// its own.
fn golden(file: &str) -> String {
    companions(file, file != "cost").join("\n")
}

fn companions(file: &str, plain: bool) -> Vec<String> {
    let expansions = expansions(file);
    let shown = expansions
        .iter()
        .filter(|e| e.row().is_none_or(|row| row == e.name()));
    let number = if shown.clone().count() == 1 { 2 } else { 1 };
    let items = shown.flat_map(|e| e.items.iter().skip(1).take(number).cloned());
    let unparse = |mut item| {
        if let Item::Fn(function) = &mut item {
            function
                .attrs
                .retain(|a| !plain && !a.path().is_ident("doc"));
        }
        if let (Item::Fn(function), true) = (&mut item, plain) {
            function.block.stmts.retain(|statement| !is_pin(statement));
        }
        let (shebang, attrs) = (None, Vec::new());
        let items = vec![item];
        prettyplease::unparse(&syn::File {
            shebang,
            attrs,
            items,
        })
    };
    items.map(unparse).collect()
}

/// What a companion says of itself.
fn documentation(function: &ItemFn) -> String {
    let lines = function.attrs.iter().filter_map(|attr| match &attr.meta {
        syn::Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            syn::Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(text),
                ..
            }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    lines.collect::<Vec<_>>().join("\n")
}

const BLESS: &str =
    "If this is as it should be: NALGRAD_BLESS=1 cargo test -p nalgrad-tests --test goldens";

fn blessing() -> bool {
    std::env::var_os("NALGRAD_BLESS").is_some()
}

/// `::nalgrad::__private::same::<(DVector<f64>,), (::nalgrad::nalgebra::DVector<f64>,)>();`
fn is_pin(statement: &syn::Stmt) -> bool {
    let text = statement.to_token_stream().to_string();
    text.starts_with(":: nalgrad :: __private :: same :: <")
}

#[test]
fn expansions_are_the_goldens() {
    let mut differences = String::new();
    for file in files() {
        let path = folder().join(format!("{file}.expanded.rs"));
        let (new, old) = (
            golden(&file),
            std::fs::read_to_string(&path).unwrap_or_default(),
        );
        assert!(
            new.lines().count() < 60,
            "the golden of {file} has {} lines: too many to read",
            new.lines().count()
        );
        if blessing() {
            std::fs::write(&path, &new).expect("the golden is writable");
        } else if new != old {
            differences += &format!("--- expand/{file}.expanded.rs\n{}", changes(&old, &new));
        }
    }
    assert!(differences.is_empty(), "{differences}\n{BLESS}");
}

/// The lines that differ, between those that both share at the ends.
fn changes(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let before = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[before..], &new[before..]);
    let after = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let (old, new) = (&old[..old.len() - after], &new[..new.len() - after]);
    let mark = |mark: &str, lines: &[&str]| {
        lines
            .iter()
            .map(|line| format!("{mark} {line}\n"))
            .collect::<String>()
    };
    format!(
        "@@ line {} @@\n{}{}",
        before + 1,
        mark("-", old),
        mark("+", new)
    )
}

#[test]
fn rows_have_their_closed_form() {
    let bodies: BTreeMap<String, String> = all()
        .iter()
        .map(|e| (e.name(), body(&e.written[1])))
        .collect();
    let mut missing = String::new();
    for (name, forms) in CLOSED_FORMS {
        let body = bodies
            .get(*name)
            .unwrap_or_else(|| panic!("no function `{name}`"));
        let whole = forms.len() == 1 && !body.contains(';');
        for form in *forms {
            let form = without_paths(form);
            let found = if whole {
                *body == format!("{{{form}}}")
            } else {
                body.contains(&form)
            };
            if !found {
                missing += &format!("{name}: no `{form}` in `{body}`\n");
            }
        }
    }
    assert!(missing.is_empty(), "{missing}");
}

/// The body without what makes sure of types and shapes.
fn body(function: &ItemFn) -> String {
    let mut block = function.block.clone();
    block
        .stmts
        .retain(|statement| !is_pin(statement) && !matches!(statement, syn::Stmt::Macro(_)));
    without_paths(&block.to_token_stream().to_string())
}

/// The text without white space, trailing commas and the paths in front of names.
fn without_paths(text: &str) -> String {
    let text: String = text.split_whitespace().collect();
    text.replace("::nalgrad::nalgebra::", "")
        .replace("::nalgrad::__private::", "")
        .replace(",)", ")")
}

#[test]
fn spellings_of_a_formula_come_to_the_same() {
    let all = all();
    let forms: BTreeMap<String, String> = all
        .iter()
        .map(|e| (e.name(), canonical(&e.written[1])))
        .collect();
    let own_form = |name: &str| CLOSED_FORMS.iter().any(|(n, _)| *n == name);
    let (mut compared, mut wrong) = (0, String::new());
    for expansion in &all {
        let (name, Some(row)) = (expansion.name(), expansion.row()) else {
            continue;
        };
        if own_form(&name) {
            continue;
        }
        // `p63_dynamic_quotient` is a spelling of `p63_dynamic`.
        let model = name
            .rsplit_once('_')
            .map(|(model, _)| model)
            .filter(|m| own_form(m));
        let model = model.unwrap_or(&row);
        let longer = LONGER.iter().find(|(n, _)| *n == name);
        match (longer, forms[&name] == forms[model]) {
            (None, false) => {
                wrong += &format!(
                    "{name} is not {model}:\n  {}\n  {}\n",
                    forms[&name], forms[model]
                );
            }
            (Some(_), true) => {
                wrong += &format!("{name} is {model} now: remove it from the list\n")
            }
            _ => compared += 1,
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(compared > 40);
}

#[test]
fn every_function_is_evaluated() {
    let sources = concat!(include_str!("numbers.rs"), include_str!("matrices.rs"));
    let numbers: BTreeSet<&str> = sources.split([' ', '\n', ':']).collect();
    for expansion in all() {
        let name = expansion.name();
        let both = match expansion.attribute {
            Attribute::Jacobian => "value_and_jacobian",
            Attribute::Hessian => "value_gradient_and_hessian",
            Attribute::Jvp => "jvp",
            _ => "value_and_gradient",
        };
        assert!(
            numbers.contains(format!("{name}_{both};").as_str()),
            "{name} is not compared in numbers"
        );
    }
}
