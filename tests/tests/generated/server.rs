//! What generated programs are compiled with: reads arguments, calls companions, answers with numbers.

use nalgebra::{DMatrix, DVector, Matrix, OMatrix, RawStorage, RowDVector};
use nalgebra::{DefaultAllocator, Dim, DimName, allocator::Allocator};
use std::cell::Cell;
use std::io::{BufRead, Write};

thread_local! {
    static LOG: Cell<u64> = const { Cell::new(0) };
}

/// Something that a function does besides: the order makes a difference.
pub fn log(what: usize) {
    LOG.with(|log| log.set((log.get() * 31 + what as u64 + 1) % (1 << 40)));
}

/// The arguments of one call, number by number.
pub struct Arguments<'a>(pub &'a [f64]);

impl Arguments<'_> {
    fn take(&mut self, n: usize) -> Vec<f64> {
        let (own, rest) = self.0.split_at(n);
        self.0 = rest;
        own.to_vec()
    }

    pub fn real(&mut self) -> f64 {
        self.take(1)[0]
    }

    pub fn list(&mut self, n: usize) -> Vec<f64> {
        self.take(n)
    }

    pub fn array<const N: usize>(&mut self) -> [f64; N] {
        std::array::from_fn(|_| self.real())
    }

    pub fn vector(&mut self, n: usize) -> DVector<f64> {
        DVector::from_vec(self.take(n))
    }

    pub fn row(&mut self, n: usize) -> RowDVector<f64> {
        RowDVector::from_vec(self.take(n))
    }

    pub fn matrix(&mut self, rows: usize, cols: usize) -> DMatrix<f64> {
        DMatrix::from_vec(rows, cols, self.take(rows * cols))
    }

    pub fn fixed<R: DimName, C: DimName>(&mut self) -> OMatrix<f64, R, C>
    where
        DefaultAllocator: Allocator<R, C>,
    {
        OMatrix::from_iterator(self.take(R::DIM * C::DIM))
    }
}

/// All numbers of a result, in order.
pub trait Flat {
    fn flat(&self, out: &mut Vec<f64>);
}

impl Flat for f64 {
    fn flat(&self, out: &mut Vec<f64>) {
        out.push(*self);
    }
}

impl Flat for () {
    fn flat(&self, _: &mut Vec<f64>) {}
}

impl<R: Dim, C: Dim, S: RawStorage<f64, R, C>> Flat for Matrix<f64, R, C, S> {
    fn flat(&self, out: &mut Vec<f64>) {
        out.extend(self.iter());
    }
}

impl<const N: usize> Flat for [f64; N] {
    fn flat(&self, out: &mut Vec<f64>) {
        out.extend(self);
    }
}

impl Flat for Vec<f64> {
    fn flat(&self, out: &mut Vec<f64>) {
        out.extend(self);
    }
}

/// One before what there is, else zero.
impl<T: Flat> Flat for Option<T> {
    fn flat(&self, out: &mut Vec<f64>) {
        out.push(f64::from(u8::from(self.is_some())));
        if let Some(inner) = self {
            inner.flat(out);
        }
    }
}

macro_rules! tuples {
    ($(($($name:ident $i:tt),+))*) => {$(
        impl<$($name: Flat),+> Flat for ($($name,)+) {
            fn flat(&self, out: &mut Vec<f64>) {
                $(self.$i.flat(out);)+
            }
        }
    )*};
}

tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
}

/// What was done besides, then the numbers.
pub fn answer<T: Flat>(out: &mut Vec<f64>, call: impl FnOnce() -> T) {
    LOG.with(|log| log.set(0));
    let result = call();
    out.push(LOG.with(Cell::get) as f64);
    result.flat(out);
}

pub type Entry = fn(&mut Arguments, &mut Vec<f64>);

/// Answers each line `entry number number …` with a line of numbers, as bits, or with `panic` and its message.
pub fn serve(entries: &[Entry]) {
    std::panic::set_hook(Box::new(|_| {}));
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("readable");
        let mut words = line.split(' ');
        let entry: usize = words.next().and_then(|w| w.parse().ok()).expect("an entry");
        let numbers: Vec<f64> = words
            .map(|w| f64::from_bits(u64::from_str_radix(w, 16).expect("bits")))
            .collect();
        let mut out = Vec::new();
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            entries[entry](&mut Arguments(&numbers), &mut out);
        }));
        let text = match result {
            Ok(()) => {
                let words: Vec<String> = out.iter().map(|x| format!("{:x}", x.to_bits())).collect();
                words.join(" ")
            }
            Err(panic) => {
                let text = panic
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| panic.downcast_ref::<&str>().map(|s| String::from(*s)));
                format!("panic {}", text.unwrap_or_default().replace('\n', " "))
            }
        };
        writeln!(output, "{text}").expect("writable");
        output.flush().expect("writable");
    }
}
