//! What derivations say: values in mathematical notation are read again, and mean the same.

use crate::interpreter::{Value, entrywise, inverse};
use crate::world::{Size, World, positive};
use nalgebra::DMatrix;
use nalgrad_tests::graph::Id;
use nalgrad_tests::notation::{Letters, Notation};
use nalgrad_tests::rules::{Comparison, Op, Panic, Scalar};
use std::collections::HashSet;

/// Of all vectors and matrices.
const SIZE: usize = 3;

/// Reads the notation as a person would: products bind more than sums, and a fraction is one line.
struct Reader<'a> {
    world: &'a World,
    text: Vec<char>,
    at: usize,
}

impl Reader<'_> {
    fn skips(&mut self, token: &str) -> bool {
        let token: Vec<char> = token.chars().collect();
        let found = self.text[self.at..].starts_with(&token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    #[track_caller]
    fn expect(&mut self, token: &str) {
        let rest: String = self.text[self.at..].iter().collect();
        assert!(self.skips(token), "no `{token}` before `{rest}`");
    }

    fn sum(&mut self) -> Value {
        let minus = self.skips("−");
        let first = self.product();
        let mut value = if minus { first.map(|x| -x) } else { first };
        loop {
            let sign = match () {
                () if self.skips(" + ") => 1.0,
                () if self.skips(" − ") => -1.0,
                () => return value,
            };
            let term = self.product();
            value = entrywise(&[&value, &term], |x| x[0] + sign * x[1]);
        }
    }

    fn product(&mut self) -> Value {
        let mut value = self.power();
        loop {
            value = match () {
                () if self.skips(" ⊗ ") => {
                    let factor = self.power();
                    entrywise(&[&value, &factor], |x| x[0] * x[1])
                }
                () if self.skips(" ⊘ ") => {
                    let factor = self.power();
                    entrywise(&[&value, &factor], |x| x[0] / x[1])
                }
                () if self.skips("/") => {
                    let factor = self.power();
                    let value = entrywise(&[&value, &factor], |x| x[0] / x[1]);
                    assert!(!self.text[self.at..].starts_with(&[' ', '(']));
                    value
                }
                () if self.skips(" · ") => {
                    let factor = self.power();
                    match (&value, &factor) {
                        (Value::Matrix(a), Value::Matrix(b)) => Value::Number(a.dot(b)),
                        // Zeros are written as the number.
                        _ => Value::Number(0.0),
                    }
                }
                () => {
                    let before = self.at;
                    let space = self.skips(" ");
                    let next = self.text.get(self.at);
                    // Bars close where there is no space before them.
                    let opens = |c: char| c.is_alphanumeric() || "({√".contains(c);
                    if !next.is_some_and(|c| opens(*c) || space && "|‖".contains(*c))
                        || space && (self.skips("if ") || self.skips("else "))
                    {
                        self.at = before;
                        return value;
                    }
                    let factor = self.power();
                    if let (Some(a), Some(b)) = (value.shape(), factor.shape()) {
                        let text: String = self.text.iter().collect();
                        assert_eq!(a.1, b.0, "`{text}`");
                    }
                    times(&value, &factor)
                }
            };
        }
    }

    fn power(&mut self) -> Value {
        let mut value = self.atom();
        loop {
            value = match &value {
                Value::Matrix(m) if self.skips("⁻¹") => Value::Matrix(inverse(m)),
                Value::Matrix(m) if self.skips("⁻ᵀ") => Value::Matrix(inverse(m).transpose()),
                Value::Matrix(m) if self.skips("ᵀ") => Value::Matrix(m.transpose()),
                value => {
                    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
                    let mut exponent: Option<i32> = None;
                    while let Some(digit) = DIGITS
                        .iter()
                        .position(|d| self.text.get(self.at) == Some(d))
                    {
                        exponent = Some(10 * exponent.unwrap_or(0) + digit as i32);
                        self.at += 1;
                    }
                    match exponent {
                        Some(n) => {
                            assert!(value.shape().is_none_or(|s| s.1 == 1), "of a matrix");
                            value.map(|x| x.powi(n))
                        }
                        None => return value.clone(),
                    }
                }
            };
        }
    }

    fn atom(&mut self) -> Value {
        if self.skips("(") {
            let value = self.sum();
            self.expect(")");
            return value;
        }
        if self.skips("|") {
            let value = self.sum();
            self.expect("|");
            return value.map(f64::abs);
        }
        if self.skips("‖") {
            let value = self.sum();
            self.expect("‖");
            let norm = Value::Number(value.matrix().norm());
            return norm;
        }
        if self.skips("1⃗") {
            return Value::Matrix(DMatrix::from_element(SIZE, 1, 1.0));
        }
        if self.skips("√") {
            return self.atom().map(f64::sqrt);
        }
        if self.skips("{") {
            let first = self.sum();
            self.expect(" if ");
            let left = self.sum();
            self.expect(" > ");
            let right = self.sum();
            self.expect(", else ");
            let second = self.sum();
            self.expect("}");
            return entrywise(&[&left, &right, &first, &second], |x| {
                if x[0] > x[1] { x[2] } else { x[3] }
            });
        }
        let start = self.at;
        while self
            .text
            .get(self.at)
            .is_some_and(|c| c.is_ascii_alphanumeric() || *c == '.' || *c == '_')
        {
            self.at += 1;
        }
        let word: String = self.text[start..self.at].iter().collect();
        if let Ok(number) = word.parse::<f64>() {
            return Value::Number(number);
        }
        // A coefficient stands at its factor.
        let digits = word
            .chars()
            .take_while(|c| c.is_ascii_digit() || *c == '.')
            .count();
        if digits > 0 {
            self.at = start + digits;
            return Value::Number(word[..digits].parse().expect("a number"));
        }
        if !self.skips("(") {
            let number = word.strip_prefix('x').and_then(|n| n.parse().ok());
            let text: String = self.text.iter().collect();
            let number: usize = number.unwrap_or_else(|| panic!("{text}, at {start}"));
            let leaf = self
                .world
                .wrt
                .iter()
                .find(|w| self.world.graph.op(**w) == Op::Leaf(number));
            return self.world.value(*leaf.expect("a parameter"));
        }
        let argument = self.sum();
        self.expect(")");
        match word.as_str() {
            "sin" => argument.map(f64::sin),
            "exp" => argument.map(f64::exp),
            "tanh" => argument.map(f64::tanh),
            "sum" => Value::Number(argument.entries().iter().sum()),
            "tr" => Value::Number(argument.matrix().trace()),
            "row_sum" => Value::Matrix(DMatrix::from_fn(1, SIZE, |_, j| {
                argument.matrix().column(j).sum()
            })),
            "column_sum" => Value::Matrix(DMatrix::from_fn(SIZE, 1, |i, _| {
                argument.matrix().row(i).sum()
            })),
            _ => panic!("`{word}` is not a function"),
        }
    }
}

fn times(a: &Value, b: &Value) -> Value {
    match (a, b) {
        (Value::Matrix(a), Value::Matrix(b)) => Value::Matrix(a * b),
        _ => entrywise(&[a, b], |x| x[0] * x[1]),
    }
}

/// A random value of a few operations, as written by a user or as built by the algebra.
fn grow(world: &mut World, pool: &mut Vec<Id>) {
    let numbers = [0.5, 2.0, 3.0, -1.0, -2.0];
    let (a, b) = (pick(world, pool), pick(world, pool));
    let graph = &world.graph;
    let (left, right) = (graph.shape(a), graph.shape(b));
    let same = left.is_none() || right.is_none() || left == right;
    let built = world.random.below(2) == 0;
    let exponent = world.random.one_of(&[2, 3, -1, -2]);
    let (x, y) = (world.graph.expr(a), world.graph.expr(b));
    let new = match world.random.below(16) {
        0 | 1 if same && built => (x + y).id,
        0 | 1 if same => world.apply(Op::Scalar(Scalar::Add), &[a, b]),
        2 | 3 if same && built => (x - y).id,
        2 | 3 if same => world.apply(Op::Scalar(Scalar::Sub), &[a, b]),
        4 | 5 if same && built => (x * y).id,
        4 | 5 if same => world.apply(Op::Scalar(Scalar::Mul), &[a, b]),
        6 | 7 if same && built => (x / y).id,
        6 | 7 if same => world.apply(Op::Scalar(Scalar::Div), &[a, b]),
        8 => (-x).id,
        9 => (world.random.one_of(&numbers) * world.graph.expr(a)).id,
        10 => world.apply(Op::PowI(exponent), &[a]),
        11 => {
            let functions = [Scalar::Sin, Scalar::Tanh, Scalar::Abs];
            let function = world.random.one_of(&functions);
            world.apply(Op::Scalar(function), &[a])
        }
        12 if same && left.is_some() && right == left => {
            let cond = world.apply(Op::Compare(Comparison::Gt), &[a, b]);
            world.apply(Op::Select, &[cond, b, a])
        }
        13 if left.is_some() => world.apply(Op::Sum, &[a]),
        14 if left.as_ref().is_some_and(|s| s.is_vector()) && left == right => {
            world.apply(Op::Dot, &[a, b])
        }
        15 if left.as_ref().is_some_and(|s| !s.is_vector()) && right.is_some() => match built {
            true => x.t().times(y).id,
            false => world.apply(Op::MatMul, &[a, b]),
        },
        13 => return,
        _ if left.as_ref().is_some_and(|s| !s.is_vector()) && pool.len() < 8 => {
            world.apply(Op::Inverse(Panic::Unwrap), &[a])
        }
        _ => return,
    };
    pool.push(new);
}

fn pick(world: &mut World, pool: &[Id]) -> Id {
    let recent = pool.len() - 1 - world.random.below(pool.len().min(5));
    let all = world.random.below(pool.len());
    pool[world.random.one_of(&[recent, all])]
}

#[test]
fn what_is_written_means_the_value() {
    let mut read = 0;
    for seed in 0..400 {
        let mut world = World::new(seed);
        let mut pool = vec![
            world.number(positive),
            world.number(positive),
            world.matrix(Size::Fixed(SIZE), Size::Fixed(1), positive),
            world.matrix(Size::Fixed(SIZE), Size::Fixed(1), positive),
            world.square(Size::Fixed(SIZE)),
        ];
        for _ in 0..14 {
            grow(&mut world, &mut pool);
        }
        for id in &pool[5..] {
            let expected = world.value(*id);
            if !expected.is_finite() || expected.entries().iter().any(|x| x.abs() > 1e9) {
                continue;
            }
            let mut notation = Notation::new(&world.graph, Letters::new(&HashSet::new()));
            let Some(text) = notation.write(*id) else {
                continue;
            };
            // Long numbers are cut, and zeros have any shape.
            let mut words = text.text.split(|c: char| !c.is_alphanumeric() && c != '.');
            if text.text.contains('…') || words.any(|word| word == "0") {
                continue;
            }
            let mut reader = Reader {
                world: &world,
                text: text.text.chars().collect(),
                at: 0,
            };
            let found = reader.sum();
            let rest: String = reader.text[reader.at..].iter().collect();
            assert!(rest.is_empty(), "`{rest}` is left of `{}`", text.text);
            let found = match (&found, expected.shape()) {
                // A number that was expanded.
                (Value::Number(x), Some((r, c))) => Value::Matrix(DMatrix::from_element(r, c, *x)),
                _ => found,
            };
            assert_eq!(found.shape(), expected.shape(), "{}", text.text);
            let scale = expected
                .entries()
                .iter()
                .fold(1.0, |s: f64, x| s.max(x.abs()));
            let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-6 * scale;
            assert!(
                found.entries().iter().zip(expected.entries()).all(close),
                "seed {seed}: `{}` is {found:?}, not {expected:?}",
                text.text
            );
            read += 1;
        }
    }
    assert!(read > 2000, "{read}");
}
