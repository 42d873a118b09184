//! Indices that are computed from the place of an entry: `2 * i + j` in `from_fn(|i, j| x[2 * i + j])`.

/// An index as a function of the row and the column of an entry, and of integers that are given.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Position<G> {
    Row,
    Column,
    Given(G),
    /// Two of them with one of `+ - * / %` in between.
    Of(Arithmetic, Box<[Position<G>; 2]>),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

impl<G: Clone> Position<G> {
    pub fn of(operator: Arithmetic, a: Self, b: Self) -> Self {
        Position::Of(operator, Box::new([a, b]))
    }

    /// The same with other names for what is given.
    pub fn map<H>(&self, given: &mut dyn FnMut(&G) -> H) -> Position<H> {
        match self {
            Position::Row => Position::Row,
            Position::Column => Position::Column,
            Position::Given(g) => Position::Given(given(g)),
            Position::Of(operator, parts) => {
                let [a, b] = &**parts;
                Position::Of(*operator, Box::new([a.map(given), b.map(given)]))
            }
        }
    }

    /// Whether it is the same for all entries.
    pub fn is_fixed(&self) -> bool {
        match self {
            Position::Row | Position::Column => false,
            Position::Given(_) => true,
            Position::Of(_, parts) => parts.iter().all(Position::is_fixed),
        }
    }
}
