//! Random programs, well typed by construction: a function a production.

use crate::interpret::{self, INTEGER};
use crate::program::{
    Body, Cond, Expr, Extent, Function, Holds, Kind, List, Op, Program, Statement, Type, Unary,
    Var, Variable,
};
use crate::random::Random;
use num_dual::HyperDual64;
use std::collections::{HashMap, HashSet};

/// What not every release of the macro understands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Feature {
    /// Loops whose state is carried from round to round, and nested loops.
    CarriedLoops,
    /// `while` with a counter.
    While,
    /// `break` and `continue`.
    Exits,
    /// `x[i] = …`, `m[(i, j)] += …`.
    EntryAssignment,
    /// `match` on integers.
    Match,
}

pub const ALL: &[Feature] = &[
    Feature::CarriedLoops,
    Feature::While,
    Feature::Exits,
    Feature::EntryAssignment,
    Feature::Match,
];

/// What the macro understands today.
pub const ENABLED: &[Feature] = ALL;

/// How near a kink a point may be, and how large the numbers on the way.
const MARGIN: f64 = 1e-3;
const SCALE: f64 = 1e4;

/// What is drawn: a program, and how many draws were thrown away before it, since no point of theirs was well
/// conditioned.
pub fn program(seed: u64, index: u64, features: &[Feature]) -> (Program, usize) {
    let mut random = Random::new(seed, index);
    let mut thrown = 0;
    loop {
        let mut program = draw(Random::new(random.next(), 0), features);
        if let Some(points) = points(&program, &mut random) {
            program.points = points;
            return (program, thrown);
        }
        thrown += 1;
    }
}

/// Two points at which the oracle finds the function smooth, and no large numbers on the way.
fn points(program: &Program, random: &mut Random) -> Option<Vec<Vec<f64>>> {
    let n = program.function.dimension();
    let mut points = Vec::new();
    for _ in 0..6 {
        let point: Vec<f64> = (0..n)
            .map(|_| (random.between(-1.5, 1.5) * 1e3).round() / 1e3)
            .collect();
        let lifted: Vec<HyperDual64> = point
            .iter()
            .map(|x| {
                HyperDual64::new(
                    *x,
                    random.between(-1.0, 1.0),
                    random.between(-1.0, 1.0),
                    0.0,
                )
            })
            .collect();
        let outcome = interpret::run(program, &lifted);
        // A function that returns `None` is worth one look, not two.
        let nothing = outcome.value.is_none() && points.is_empty();
        if outcome.margin > MARGIN && outcome.scale < SCALE && (outcome.value.is_some() || nothing)
        {
            points.push(point);
        }
        if points.len() == 2 {
            return Some(points);
        }
    }
    None
}

fn draw(mut random: Random, features: &[Feature]) -> Program {
    let extents = if random.percent(55) {
        [
            Extent::Dynamic(2 + random.below(2)),
            Extent::Dynamic(2 + random.below(2)),
        ]
    } else {
        [
            Extent::Fixed(2 + random.below(2)),
            Extent::Fixed(2 + random.below(2)),
        ]
    };
    let mut callees: Vec<Function> = Vec::new();
    if random.percent(30) {
        for i in 0..=random.below(2) {
            let callee = Generator::new(&mut random, extents, features, &callees)
                .function(format!("helper{i}"), true);
            callees.push(callee);
        }
    }
    let function =
        Generator::new(&mut random, extents, features, &callees).function("f".into(), false);
    Program {
        callees,
        function,
        kinds: Vec::new(),
        points: Vec::new(),
    }
}

/// The gradient where there is one, and another kind; or all.
pub fn kinds(program: &Program, random: &mut Random, all: bool) -> Vec<Kind> {
    let is_number = program.function.result == Type::Real;
    let mut fitting: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|k| is_number || matches!(k, Kind::Jacobian | Kind::Jvp | Kind::Vjp))
        .collect();
    if all {
        return fitting;
    }
    let first = if is_number { 0 } else { random.below(3) };
    let first = fitting.remove(first);
    vec![first, *random.of(&fitting)]
}

struct Generator<'a> {
    random: &'a mut Random,
    extents: [Extent; 2],
    features: &'a [Feature],
    callees: &'a [Function],
    variables: Vec<Variable>,
    /// The variables that can be seen.
    scope: Vec<Var>,
    /// The largest value of each integer.
    largest: HashMap<Var, usize>,
    /// What the loops around count with: it keeps its name.
    counters: Vec<Var>,
    /// How many operations may follow.
    budget: usize,
    used: HashSet<Var>,
    /// Whether entries are the only values here.
    entries_only: bool,
    /// Whether statements may assign to what is outside.
    may_assign: bool,
    in_loop: bool,
    /// Whether this is computed for some entries only, so that nothing in it may panic.
    chosen: bool,
    optional: bool,
    result: Type,
}

fn apply(op: Op, args: Vec<Expr>, ty: Type, spelling: u8) -> Expr {
    Expr::Apply(op, args, ty, spelling)
}

impl<'a> Generator<'a> {
    fn new(
        random: &'a mut Random,
        extents: [Extent; 2],
        features: &'a [Feature],
        callees: &'a [Function],
    ) -> Generator<'a> {
        Generator {
            random,
            extents,
            features,
            callees,
            variables: Vec::new(),
            scope: Vec::new(),
            largest: HashMap::new(),
            counters: Vec::new(),
            budget: 0,
            used: HashSet::new(),
            entries_only: false,
            may_assign: true,
            in_loop: false,
            chosen: false,
            optional: false,
            result: Type::Real,
        }
    }

    fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }

    // ---- functions ----

    fn function(mut self, name: String, is_callee: bool) -> Function {
        self.budget = if is_callee {
            2 + self.random.below(6)
        } else {
            5 + self.random.below(26)
        };
        let parameters = 1 + self.random.below(if is_callee { 3 } else { 4 });
        for _ in 0..parameters {
            self.parameter(is_callee);
        }
        let active = |g: &Self| {
            (0..g.variables.len())
                .filter(|v| g.variables[*v].ty != Type::Int)
                .collect::<Vec<_>>()
        };
        if active(&self).is_empty() {
            self.new_variable(Type::Real, Holds::Owned);
        }
        let parameters = self.variables.len();
        let mut candidates = active(&self);
        let wrt = (!is_callee && candidates.len() > 1 && self.random.percent(30)).then(|| {
            let keep = 1 + self.random.below(candidates.len() - 1);
            while candidates.len() > keep {
                candidates.remove(self.random.below(candidates.len()));
            }
            if self.random.percent(30) {
                candidates.reverse();
            }
            candidates
        });
        self.optional = !is_callee && self.random.percent(8);
        let result =
            if is_callee && self.random.percent(40) || !is_callee && self.random.percent(15) {
                match self.random.below(4) {
                    0 if !is_callee => Type::Tuple(vec![Type::Real, Type::vector(self.extents[0])]),
                    1 => self.matrix_type(),
                    _ => Type::vector(self.extents[0]),
                }
            } else {
                Type::Real
            };
        self.result = result.clone();
        let count = if is_callee {
            self.random.below(2)
        } else {
            1 + self.random.below(6)
        };
        let mut statements = Vec::new();
        for _ in 0..count {
            self.function_statement(&mut statements);
        }
        let value = self.result(&result);
        Function {
            name,
            parameters,
            wrt,
            body: Body {
                statements,
                value: Some(value),
            },
            result,
            optional: self.optional,
            variables: self.variables,
        }
    }

    fn parameter(&mut self, is_callee: bool) {
        let ty = match self
            .random
            .weighted(&[35, 25, 12, 8, if is_callee { 0 } else { 10 }, 5])
        {
            0 => Type::Real,
            1 => Type::vector(*self.random.of(&self.extents)),
            2 => Type::Matrix(self.extents[0], self.extents[1]),
            3 => Type::vector(Extent::Fixed(3)),
            4 => {
                let list = *self.random.of(&[List::Slice, List::Array, List::Vec]);
                Type::List(list, 2 + self.random.below(2))
            }
            _ => Type::Int,
        };
        let holds = match &ty {
            Type::Real if self.random.percent(15) => Holds::Reference,
            Type::Real | Type::Int => Holds::Owned,
            Type::List(List::Slice, _) => Holds::Reference,
            _ if self.random.percent(75) => Holds::Reference,
            _ => Holds::Owned,
        };
        let is_int = ty == Type::Int;
        let var = self.new_variable(ty, holds);
        if is_int {
            self.largest.insert(var, INTEGER);
        }
    }

    /// What a function returns, of what has not been used yet among others.
    fn result(&mut self, ty: &Type) -> Expr {
        match ty {
            Type::Real => {
                let mut value = self.real(4);
                let unused: Vec<Var> = self
                    .scope
                    .iter()
                    .copied()
                    .filter(|v| !self.used.contains(v))
                    .collect();
                for var in unused.into_iter().take(3) {
                    if let Some(term) = self.number_of(var) {
                        let factor = self.literal();
                        let term = self.apply(Op::Mul, vec![term, factor], Type::Real);
                        value = self.apply(Op::Add, vec![value, term], Type::Real);
                    }
                }
                if self.random.percent(40) {
                    value = self.with_products(value);
                }
                value
            }
            Type::Matrix(rows, cols) => self.matrix(*rows, *cols, 4),
            Type::Tuple(parts) => {
                let parts = parts.iter().map(|p| self.result(p)).collect();
                self.apply(Op::Tuple, parts, ty.clone())
            }
            other => unreachable!("no function returns {other:?}"),
        }
    }

    /// Products of variables of one type: of what one was before and what became of it, among others.
    fn with_products(&mut self, mut value: Expr) -> Expr {
        for _ in 0..2 {
            let Some(a) = self.any(|v| matches!(v.ty, Type::Real | Type::Matrix(..))) else {
                break;
            };
            let ty = self.variables[a].ty.clone();
            let op = match ty {
                Type::Real => Op::Mul,
                _ => Op::Dot,
            };
            let Some(b) = self.any(|v| v.ty == ty) else {
                break;
            };
            self.used.extend([a, b]);
            let product = self.apply(op, vec![Expr::Var(a), Expr::Var(b)], Type::Real);
            let factor = self.literal();
            let term = self.apply(Op::Mul, vec![product, factor], Type::Real);
            value = self.apply(Op::Add, vec![value, term], Type::Real);
        }
        value
    }

    /// Another name for what a variable is now.
    fn let_copy(&mut self) -> Option<Statement> {
        let of = self.any(|v| v.mutable && matches!(v.ty, Type::Real | Type::Matrix(..)))?;
        let var = self.let_variable(self.variables[of].ty.clone(), Holds::Owned);
        self.variables[var].mutable = self.random.percent(35);
        Some(Statement::Let {
            vars: vec![var],
            typed: false,
            value: Expr::Var(of),
        })
    }

    /// A number that depends on all of a variable.
    fn number_of(&mut self, var: Var) -> Option<Expr> {
        self.used.insert(var);
        Some(match &self.variables[var].ty {
            Type::Real => Expr::Var(var),
            Type::Matrix(..) => {
                let op = self
                    .random
                    .of(&[Op::Sum, Op::NormSquared, Op::Mean])
                    .clone();
                self.apply(op, vec![Expr::Var(var)], Type::Real)
            }
            Type::List(..) => self.apply(Op::Entry, vec![Expr::Var(var), Expr::Int(0)], Type::Real),
            _ => return None,
        })
    }

    // ---- variables ----

    fn new_variable(&mut self, ty: Type, holds: Holds) -> Var {
        let var = self.variables.len();
        let letters = match &ty {
            Type::Real => ["s", "t", "a"],
            Type::Int => ["n", "k", "i"],
            Type::Matrix(_, Extent::Fixed(1)) => ["x", "v", "w"],
            Type::Matrix(..) => ["m", "q", "p"],
            _ => ["list", "data", "values"],
        };
        let name = format!("{}{var}", self.random.of(&letters));
        self.variables.push(Variable {
            name,
            ty,
            holds,
            mutable: false,
        });
        self.scope.push(var);
        var
    }

    /// A variable of a `let`: it may take the name of one before it.
    fn let_variable(&mut self, ty: Type, holds: Holds) -> Var {
        let shadowed = (!self.scope.is_empty() && self.random.percent(15))
            .then(|| *self.random.of(&self.scope))
            .filter(|var| !self.counters.contains(var));
        let var = self.new_variable(ty, holds);
        if let Some(shadowed) = shadowed {
            let name = self.variables[shadowed].name.clone();
            self.scope
                .retain(|v| *v == var || self.variables[*v].name != name);
            self.variables[var].name = name;
        }
        var
    }

    fn visible(&self, fits: impl Fn(&Variable) -> bool) -> Vec<Var> {
        let fits = |v: &Var| fits(&self.variables[*v]);
        self.scope.iter().copied().filter(|v| fits(v)).collect()
    }

    fn any(&mut self, fits: impl Fn(&Variable) -> bool) -> Option<Var> {
        let visible = self.visible(fits);
        if visible.is_empty() {
            return None;
        }
        let var = *self.random.of(&visible);
        self.used.insert(var);
        Some(var)
    }

    /// Something with variables of its own.
    fn scoped<T>(&mut self, inner: impl FnOnce(&mut Self) -> T) -> T {
        let scope = self.scope.clone();
        let value = inner(self);
        self.scope = scope;
        value
    }

    // ---- statements ----

    /// A statement of the function itself: it may leave it.
    fn function_statement(&mut self, statements: &mut Vec<Statement>) {
        match self
            .random
            .weighted(&[90, 6, if self.optional { 15 } else { 0 }])
        {
            1 => {
                let cond = self.cond();
                let ty = self.result.clone();
                if !matches!(ty, Type::Tuple(_)) && !self.optional && self.random.percent(70) {
                    let body = self.scoped(|g| g.body(&ty, 2));
                    statements.push(Statement::Return(cond, body));
                }
            }
            2 => {
                let cond = self.cond();
                statements.push(Statement::ReturnNone(cond));
            }
            _ => self.statement(statements),
        }
    }

    fn statement(&mut self, statements: &mut Vec<Statement>) {
        let assigns = if self.may_assign && !self.entries_only {
            1
        } else {
            0
        };
        let whole = usize::from(!self.entries_only);
        let on = |g: &Self, feature| usize::from(g.has(feature)) * assigns;
        let weights = [
            40,
            8 * whole,
            14 * assigns,
            10 * assigns,
            8 * assigns,
            4 * whole,
            5 * whole,
            4 * whole,
            6 * assigns,
            20 * on(self, Feature::CarriedLoops),
            12 * on(self, Feature::While),
            30 * on(self, Feature::EntryAssignment),
            8 * on(self, Feature::Match),
            if self.callees.is_empty() || self.in_loop {
                0
            } else {
                30 * on(self, Feature::CarriedLoops)
            },
            8 * assigns,
        ];
        let statement = match self.random.weighted(&weights) {
            0 => Some(self.let_value()),
            1 => Some(self.let_tuple()),
            2 => self.assign(),
            3 => self.if_statement(),
            4 => self.accumulate(statements),
            5 => Some(self.inert()),
            6 => self.let_view(),
            7 => self.let_call(),
            8 => self.block_statement(),
            9 => self.carried_loop(statements),
            10 => self.while_loop(statements),
            11 => self.assign_entry(),
            12 => self.match_statement(),
            13 => Some(self.steps(statements)),
            _ => self.let_copy(),
        };
        statements.extend(statement);
    }

    fn let_value(&mut self) -> Statement {
        let ty = if self.entries_only || self.random.percent(50) {
            Type::Real
        } else {
            self.matrix_type()
        };
        let may_assign = self.may_assign;
        let value = match self.random.weighted(&[70, 15, 8]) {
            1 => self.if_value(&ty, 3, may_assign),
            2 => {
                let body = self.scoped(|g| g.body(&ty, 3));
                Expr::Block(Box::new(body), ty.clone())
            }
            _ => self.value(&ty, 3),
        };
        let var = self.let_variable(ty, Holds::Owned);
        self.variables[var].mutable = !self.entries_only && self.random.percent(35);
        Statement::Let {
            vars: vec![var],
            typed: self.random.percent(20),
            value,
        }
    }

    fn let_tuple(&mut self) -> Statement {
        let types = vec![
            Type::Real,
            if self.random.percent(50) {
                Type::Real
            } else {
                self.matrix_type()
            },
        ];
        let ty = Type::Tuple(types.clone());
        let value = if self.random.percent(40) {
            let cond = self.cond();
            let side = |g: &mut Self| {
                g.scoped(|g| {
                    let values = types.iter().map(|t| g.value(t, 2)).collect();
                    Body {
                        statements: Vec::new(),
                        value: Some(g.apply(Op::Tuple, values, ty.clone())),
                    }
                })
            };
            let (then, otherwise) = (side(self), side(self));
            Expr::If(
                Box::new(cond),
                Box::new(then),
                Box::new(otherwise),
                ty.clone(),
            )
        } else {
            let values = types.iter().map(|t| self.value(t, 2)).collect();
            self.apply(Op::Tuple, values, ty.clone())
        };
        let vars = types
            .into_iter()
            .map(|ty| self.new_variable(ty, Holds::Owned))
            .collect();
        Statement::Let {
            vars,
            typed: true,
            value,
        }
    }

    fn let_view(&mut self) -> Option<Statement> {
        let matrix =
            self.any(|v| matches!(v.ty, Type::Matrix(..)) && !v.mutable && v.holds != Holds::View)?;
        let Type::Matrix(rows, cols) = self.variables[matrix].ty.clone() else {
            return None;
        };
        let of = Expr::Var(matrix);
        let (op, ty, mut args) = if cols == Extent::ONE {
            let (n, extent) = self.part_of(rows);
            let at = self.index(rows.size() - n + 1);
            (Op::RowsFrom(n), Type::vector(extent), vec![at])
        } else if rows == Extent::ONE {
            return None;
        } else {
            match self.random.below(3) {
                0 => {
                    let at = self.index(rows.size());
                    (Op::Row, Type::Matrix(Extent::ONE, cols), vec![at])
                }
                1 => {
                    let at = self.index(cols.size());
                    (Op::Column, Type::vector(rows), vec![at])
                }
                _ => {
                    let ((r, rows_of), (c, cols_of)) = (self.part_of(rows), self.part_of(cols));
                    let i = self.index(rows.size() - r + 1);
                    let j = self.index(cols.size() - c + 1);
                    if rows_of == Extent::ONE || cols_of == Extent::ONE {
                        return None;
                    }
                    (
                        Op::ViewFrom(r, c),
                        Type::Matrix(rows_of, cols_of),
                        vec![i, j],
                    )
                }
            }
        };
        args.insert(0, of);
        let value = self.apply(op, args, ty.clone());
        let var = self.let_variable(ty, Holds::View);
        Some(Statement::Let {
            vars: vec![var],
            typed: false,
            value,
        })
    }

    /// A part of this extent.
    fn part_of(&mut self, extent: Extent) -> (usize, Extent) {
        match extent {
            Extent::Fixed(n) => {
                let part = (1 + self.random.below(n)).max(2).min(n);
                (part, Extent::Fixed(part))
            }
            Extent::Dynamic(n) => {
                let part = (1 + self.random.below(n)).max(2).min(n);
                (part, Extent::Dynamic(part))
            }
        }
    }

    /// Calls that return matrices need a type.
    fn let_call(&mut self) -> Option<Statement> {
        let fitting: Vec<usize> = (0..self.callees.len())
            .filter(|i| self.callees[*i].result != Type::Real)
            .collect();
        let i = (!fitting.is_empty()).then(|| *self.random.of(&fitting))?;
        Some(self.let_call_of(i).0)
    }

    fn let_call_of(&mut self, callee: usize) -> (Statement, Var) {
        let ty = self.callees[callee].result.clone();
        let value = self.call(callee);
        let var = self.let_variable(ty, Holds::Owned);
        let statement = Statement::Let {
            vars: vec![var],
            typed: true,
            value,
        };
        (statement, var)
    }

    fn assign(&mut self) -> Option<Statement> {
        let var = self.any(|v| v.mutable && v.ty != Type::Int)?;
        let ty = self.variables[var].ty.clone();
        let ops: &[Option<Op>] = match &ty {
            Type::Real => &[
                None,
                Some(Op::Add),
                Some(Op::Sub),
                Some(Op::Mul),
                Some(Op::Div),
            ],
            _ => &[
                None,
                Some(Op::Add),
                Some(Op::Sub),
                Some(Op::Mul),
                Some(Op::Div),
            ],
        };
        let op = self.random.of(ops).clone();
        let value = match (&op, &ty) {
            (Some(Op::Div), _) => self.away_from_zero(2),
            (Some(Op::Mul), _) => self.factor(2),
            (Some(_), Type::Matrix(..)) => {
                // What is assigned to cannot be borrowed by what is added to it.
                let scope = self.scope.clone();
                self.scope.retain(|v| *v != var);
                let value = self.value(&ty, 2);
                self.scope = scope;
                value
            }
            _ => self.value(&ty, 2),
        };
        Some(Statement::Assign(var, op, value))
    }

    fn assign_entry(&mut self) -> Option<Statement> {
        let var = self.any(|v| v.mutable && matches!(v.ty, Type::Matrix(..)))?;
        let Type::Matrix(rows, cols) = self.variables[var].ty else {
            return None;
        };
        let index = if rows == Extent::ONE || cols == Extent::ONE {
            vec![self.index(rows.size() * cols.size())]
        } else {
            vec![self.index(rows.size()), self.index(cols.size())]
        };
        let op = self
            .random
            .of(&[None, Some(Op::Add), Some(Op::Sub), Some(Op::Mul)])
            .clone();
        let value = self.real(2);
        Some(Statement::AssignEntry(var, index, op, value))
    }

    fn if_statement(&mut self) -> Option<Statement> {
        self.visible(|v| v.mutable).first()?;
        let cond = self.cond();
        let then = self.scoped(Self::assignments);
        let otherwise = self
            .random
            .percent(50)
            .then(|| self.scoped(Self::assignments));
        Some(Statement::If(cond, then, otherwise))
    }

    fn match_statement(&mut self) -> Option<Statement> {
        self.visible(|v| v.mutable).first()?;
        let of = self.any(|v| v.ty == Type::Int)?;
        let arms = (0..2 + self.random.below(2))
            .map(|_| self.scoped(Self::assignments))
            .collect();
        Some(Statement::Match(Expr::Var(of), arms))
    }

    /// Statements that change something.
    fn assignments(&mut self) -> Vec<Statement> {
        let mut statements = Vec::new();
        for _ in 0..self.random.below(2) {
            self.statement(&mut statements);
        }
        statements.extend(self.assign());
        if self.in_loop && self.has(Feature::Exits) && self.random.percent(20) {
            let cond = self.cond();
            statements.push(Statement::Break(cond));
        }
        statements
    }

    fn block_statement(&mut self) -> Option<Statement> {
        self.visible(|v| v.mutable).first()?;
        Some(Statement::Block(self.scoped(Self::assignments)))
    }

    fn inert(&mut self) -> Statement {
        match self.random.below(3) {
            0 => {
                let value = self.size_of_something().unwrap_or((Expr::Int(2), 2));
                let var = self.let_variable(Type::Int, Holds::Owned);
                self.largest.insert(var, value.1);
                Statement::Let {
                    vars: vec![var],
                    typed: self.random.percent(30),
                    value: value.0,
                }
            }
            1 => {
                let what = self.size_of_something();
                Statement::AssertLess(what.map_or(Expr::Int(1), |w| w.0), Expr::Int(90))
            }
            _ => Statement::Log(Expr::Int(self.random.below(50))),
        }
    }

    /// `x.len()` and the like, and how much it is.
    fn size_of_something(&mut self) -> Option<(Expr, usize)> {
        let var = self.any(|v| matches!(v.ty, Type::Matrix(..) | Type::List(..)))?;
        let (op, n) = match self.variables[var].ty {
            Type::Matrix(rows, cols) => match self.random.below(3) {
                0 if cols != Extent::ONE => (Op::Cols, cols.size()),
                1 => (Op::Rows, rows.size()),
                _ => (Op::Len, rows.size() * cols.size()),
            },
            Type::List(_, n) => (Op::Len, n),
            _ => return None,
        };
        Some((self.apply(op, vec![Expr::Var(var)], Type::Int), n))
    }

    /// `for` over a range, that adds to variables which are nowhere else in it.
    fn accumulate(&mut self, statements: &mut Vec<Statement>) -> Option<Statement> {
        let total = self.random.percent(60).then(|| {
            let start = if self.random.percent(60) {
                Expr::Real(0.0)
            } else {
                self.real(1)
            };
            let var = self.let_variable(Type::Real, Holds::Owned);
            self.variables[var].mutable = true;
            statements.push(Statement::Let {
                vars: vec![var],
                typed: false,
                value: start,
            });
            var
        });
        let total = match total {
            Some(total) => total,
            None => self.any(|v| v.mutable && v.ty == Type::Real)?,
        };
        let (end, n) = self.size_of_something().unwrap_or((Expr::Int(3), 3));
        let first = if self.random.percent(25) { 1 } else { 0 };
        let body = self.scoped(|g| {
            g.scope.retain(|v| *v != total);
            let entries_only = std::mem::replace(&mut g.entries_only, true);
            let index = g.new_variable(Type::Int, Holds::Owned);
            g.largest.insert(index, n.saturating_sub(1));
            let mut inner = Vec::new();
            for _ in 0..g.random.below(3) {
                let value = g.real(2);
                let var = g.let_variable(Type::Real, Holds::Owned);
                inner.push(Statement::Let {
                    vars: vec![var],
                    typed: false,
                    value,
                });
            }
            // The name of the sum must not be hidden.
            let hidden = inner.iter().any(|s| match s {
                Statement::Let { vars, .. } => g.variables[vars[0]].name == g.variables[total].name,
                _ => false,
            });
            if hidden {
                inner.clear();
                g.scope.retain(|v| *v <= index);
            }
            let term = g.real(2);
            let op = if g.random.percent(75) {
                Op::Add
            } else {
                Op::Sub
            };
            inner.push(Statement::Assign(total, Some(op), term));
            g.entries_only = entries_only;
            (index, inner)
        });
        self.used.insert(total);
        Some(Statement::For(body.0, Expr::Int(first), end, body.1))
    }

    /// `for` over a range with any statements in it.
    fn carried_loop(&mut self, statements: &mut Vec<Statement>) -> Option<Statement> {
        self.something_to_change(statements);
        let (end, n) = self.size_of_something().unwrap_or((Expr::Int(3), 3));
        let (index, inner) = self.scoped(|g| {
            let index = g.new_variable(Type::Int, Holds::Owned);
            g.largest.insert(index, n.saturating_sub(1));
            (index, g.loop_body(true))
        });
        Some(Statement::For(index, Expr::Int(0), end, inner))
    }

    /// The steps of a simulation: each calls a function of the state, and moves the state by what it returns.
    fn steps(&mut self, statements: &mut Vec<Statement>) -> Statement {
        let callee = self.random.below(self.callees.len());
        let function = &self.callees[callee];
        let ty = function.result.clone();
        let mut wanted = vec![ty.clone()];
        let parameters = &function.variables[..function.parameters];
        wanted.extend(parameters.iter().map(|p| p.ty.clone()));
        let mut state = Vec::new();
        for ty in wanted {
            if ty != Type::Int && (state.is_empty() || self.random.percent(50)) {
                let value = self.value(&ty, 1);
                let var = self.let_variable(ty, Holds::Owned);
                self.variables[var].mutable = true;
                state.push(var);
                statements.push(Statement::Let {
                    vars: vec![var],
                    typed: true,
                    value,
                });
            }
        }
        // One may hide another.
        state.retain(|var| self.scope.contains(var));
        let (end, n) = self.size_of_something().unwrap_or((Expr::Int(3), 3));
        let (index, inner) = self.scoped(|g| {
            let in_loop = std::mem::replace(&mut g.in_loop, true);
            let index = g.new_variable(Type::Int, Holds::Owned);
            g.largest.insert(index, n.saturating_sub(1));
            let mut inner = Vec::new();
            if g.random.percent(30) {
                g.statement(&mut inner);
            }
            let (call, moved) = g.let_call_of(callee);
            inner.push(call);
            for var in state {
                if g.variables[var].ty != ty || !g.scope.contains(&var) {
                    continue;
                }
                g.used.insert(var);
                let by = Expr::Real(*g.random.of(&[0.1, 0.5, -0.25]));
                let step = g.apply(Op::Mul, vec![Expr::Var(moved), by], ty.clone());
                inner.push(if g.random.percent(75) {
                    Statement::Assign(var, Some(Op::Add), step)
                } else {
                    let value = g.apply(Op::Add, vec![Expr::Var(var), step], ty.clone());
                    Statement::Assign(var, None, value)
                });
            }
            for _ in 0..g.random.below(3) {
                g.statement(&mut inner);
            }
            g.in_loop = in_loop;
            (index, inner)
        });
        Statement::For(index, Expr::Int(0), end, inner)
    }

    fn while_loop(&mut self, statements: &mut Vec<Statement>) -> Option<Statement> {
        self.something_to_change(statements);
        let n = 2 + self.random.below(2);
        let counter = self.new_variable(Type::Int, Holds::Owned);
        self.variables[counter].mutable = true;
        self.largest.insert(counter, n);
        statements.push(Statement::Let {
            vars: vec![counter],
            typed: false,
            value: Expr::Int(0),
        });
        let cond = self.random.percent(40).then(|| self.cond());
        self.counters.push(counter);
        let inner = self.scoped(|g| {
            // The counter is below its end inside.
            g.largest.insert(counter, n - 1);
            g.loop_body(false)
        });
        self.counters.pop();
        self.largest.insert(counter, n);
        Some(Statement::While(counter, Expr::Int(n), cond, inner))
    }

    fn something_to_change(&mut self, statements: &mut Vec<Statement>) {
        let ty = if self.random.percent(60) {
            Type::Real
        } else {
            self.matrix_type()
        };
        let value = self.value(&ty, 1);
        let var = self.let_variable(ty, Holds::Owned);
        self.variables[var].mutable = true;
        statements.push(Statement::Let {
            vars: vec![var],
            typed: false,
            value,
        });
    }

    fn loop_body(&mut self, may_continue: bool) -> Vec<Statement> {
        let in_loop = std::mem::replace(&mut self.in_loop, true);
        let mut inner = Vec::new();
        if self.has(Feature::Exits) && self.random.percent(25) {
            let cond = self.cond();
            inner.push(if may_continue && self.random.percent(50) {
                Statement::Continue(cond)
            } else {
                Statement::Break(cond)
            });
        }
        for _ in 0..1 + self.random.below(2) {
            self.statement(&mut inner);
        }
        inner.extend(self.assign());
        self.in_loop = in_loop;
        inner
    }

    // ---- conditions ----

    fn cond(&mut self) -> Cond {
        match self.random.weighted(&[60, 12, 8, 8, 6]) {
            1 => {
                if let Some(k) = self.any(|v| v.ty == Type::Int) {
                    let than = Box::new(Expr::Int(self.random.below(3)));
                    return if self.random.percent(50) {
                        Cond::IntLess(Box::new(Expr::Var(k)), than)
                    } else {
                        Cond::IntEqual(Box::new(Expr::Var(k)), than)
                    };
                }
                self.compared()
            }
            2 => Cond::And(Box::new(self.compared()), Box::new(self.compared_simply())),
            3 => Cond::Or(Box::new(self.compared()), Box::new(self.compared_simply())),
            4 => Cond::Not(Box::new(self.compared())),
            _ => self.compared(),
        }
    }

    /// What is evaluated for some values only.
    fn compared_simply(&mut self) -> Cond {
        let chosen = std::mem::replace(&mut self.chosen, true);
        let budget = std::mem::replace(&mut self.budget, 0);
        let cond = self.compared();
        self.chosen = chosen;
        self.budget = budget;
        cond
    }

    fn compared(&mut self) -> Cond {
        let a = Box::new(self.real(1));
        let b = Box::new(if self.random.percent(60) {
            self.literal()
        } else {
            self.real(1)
        });
        if self.random.percent(50) {
            Cond::Less(a, b)
        } else {
            Cond::Greater(a, b)
        }
    }

    // ---- values ----

    fn apply(&mut self, op: Op, args: Vec<Expr>, ty: Type) -> Expr {
        self.budget = self.budget.saturating_sub(1);
        apply(op, args, ty, self.random.below(12) as u8)
    }

    fn value(&mut self, ty: &Type, depth: usize) -> Expr {
        match ty {
            Type::Real => self.real(depth),
            Type::Matrix(rows, cols) => self.matrix(*rows, *cols, depth),
            other => unreachable!("no value of type {other:?} is wanted"),
        }
    }

    /// A block that ends in a value.
    fn body(&mut self, ty: &Type, depth: usize) -> Body {
        let may_assign = std::mem::replace(&mut self.may_assign, false);
        let mut statements = Vec::new();
        for _ in 0..self.random.below(3) {
            if self.random.percent(50) {
                let statement = self.let_value();
                statements.push(statement);
            }
        }
        self.may_assign = may_assign;
        let value = Some(self.value(ty, depth));
        Body { statements, value }
    }

    fn if_value(&mut self, ty: &Type, depth: usize, may_assign: bool) -> Expr {
        let cond = self.cond();
        let side = |g: &mut Self| {
            g.scoped(|g| {
                let chosen = g.chosen || g.entries_only;
                let chosen = std::mem::replace(&mut g.chosen, chosen);
                let mut body = g.body(ty, depth.saturating_sub(1));
                g.chosen = chosen;
                if may_assign && !g.entries_only && g.random.percent(15) {
                    // Before the value is computed.
                    if let Some(assignment) = g.assign() {
                        body.statements.push(assignment);
                        body.value = Some(g.value(ty, 1));
                    }
                }
                body
            })
        };
        let (then, otherwise) = (side(self), side(self));
        Expr::If(
            Box::new(cond),
            Box::new(then),
            Box::new(otherwise),
            ty.clone(),
        )
    }

    fn literal(&mut self) -> Expr {
        Expr::Real(
            *self
                .random
                .of(&[0.5, 2.0, 1.5, 0.25, -1.0, 3.0, 0.1, -0.5, 1.0, 0.7]),
        )
    }

    /// An index below this.
    fn index(&mut self, n: usize) -> Expr {
        let fitting: Vec<Var> = self
            .visible(|v| v.ty == Type::Int)
            .into_iter()
            .filter(|v| self.largest.get(v).is_some_and(|l| *l < n))
            .collect();
        if fitting.is_empty() || self.random.percent(25) {
            return Expr::Int(self.random.below(n));
        }
        let var = *self.random.of(&fitting);
        self.used.insert(var);
        let largest = self.largest[&var];
        let at = Expr::Var(var);
        match self.random.below(6) {
            0 if largest + 1 < n => apply(Op::IntAdd, vec![at, Expr::Int(1)], Type::Int, 0),
            1 => apply(Op::IntSub, vec![Expr::Int(n - 1), at], Type::Int, 0),
            _ => at,
        }
    }

    fn leaf(&mut self) -> Expr {
        match self.random.weighted(&[55, 25, 20]) {
            0 => match self.any(|v| v.ty == Type::Real) {
                Some(var) => Expr::Var(var),
                None => self.entry().unwrap_or(Expr::Real(0.5)),
            },
            1 => match self.entry() {
                Some(entry) => entry,
                None => self.literal(),
            },
            _ => self.literal(),
        }
    }

    /// An entry of a variable.
    fn entry(&mut self) -> Option<Expr> {
        if self.chosen {
            return None;
        }
        let var = self.any(|v| matches!(v.ty, Type::Matrix(..) | Type::List(..)))?;
        let of = Expr::Var(var);
        Some(match self.variables[var].ty {
            Type::Matrix(Extent::Fixed(n @ 2..=3), Extent::Fixed(1))
                if self.variables[var].holds != Holds::View && self.random.percent(40) =>
            {
                let i = self.random.below(n);
                self.apply(Op::Coordinate(i), vec![of], Type::Real)
            }
            Type::Matrix(rows, cols) => {
                if rows == Extent::ONE || cols == Extent::ONE {
                    let i = self.index(rows.size() * cols.size());
                    self.apply(Op::Entry, vec![of, i], Type::Real)
                } else {
                    let (i, j) = (self.index(rows.size()), self.index(cols.size()));
                    self.apply(Op::EntryAt, vec![of, i, j], Type::Real)
                }
            }
            Type::List(_, n) => {
                let i = self.index(n);
                self.apply(Op::Entry, vec![of, i], Type::Real)
            }
            _ => return None,
        })
    }

    /// A number that is not near zero, most of the time.
    fn away_from_zero(&mut self, depth: usize) -> Expr {
        let e = self.real(depth.saturating_sub(1));
        let by = Expr::Real(*self.random.of(&[0.5, 1.0, 1.5, 2.0]));
        match self.random.below(5) {
            0 => e,
            1 => {
                let size = self.apply(Op::Unary(Unary::Abs), vec![e], Type::Real);
                self.apply(Op::Add, vec![size, by], Type::Real)
            }
            2 => {
                let wave = self.apply(Op::Unary(Unary::Cos), vec![e], Type::Real);
                self.apply(Op::Add, vec![Expr::Real(2.5), wave], Type::Real)
            }
            3 => {
                let square = self.apply(Op::Powi(2), vec![e], Type::Real);
                self.apply(Op::Add, vec![square, by], Type::Real)
            }
            _ => {
                let square = self.apply(Op::Mul, vec![e.clone(), e], Type::Real);
                self.apply(Op::Add, vec![by, square], Type::Real)
            }
        }
    }

    /// A number between −1 and 1.
    fn small(&mut self, depth: usize) -> Expr {
        let e = self.real(depth.saturating_sub(1));
        let function = *self.random.of(&[Unary::Sin, Unary::Cos, Unary::Tanh]);
        self.apply(Op::Unary(function), vec![e], Type::Real)
    }

    /// A number that a matrix is multiplied with: beside a matrix, the type of a call is not known.
    fn factor(&mut self, depth: usize) -> Expr {
        match self.real(depth) {
            call @ Expr::Call(..) => self.apply(Op::Neg, vec![call], Type::Real),
            other => other,
        }
    }

    fn real(&mut self, depth: usize) -> Expr {
        if depth == 0 || self.budget == 0 {
            return self.leaf();
        }
        let d = depth - 1;
        let whole = usize::from(!self.entries_only);
        let has_numbers = self.callees.iter().any(|c| c.result == Type::Real);
        let weights = [
            10,
            34,
            16,
            7,
            5,
            3,
            18 * whole,
            9 * whole,
            5,
            if has_numbers { 12 } else { 0 },
            5 * whole,
            4 * whole,
            3 * whole,
            3,
            3 * whole,
            2 * whole * usize::from(self.has(Feature::Match)),
            2,
        ];
        match self.random.weighted(&weights) {
            0 => self.leaf(),
            1 => self.arithmetic(d),
            2 => self.unary(d),
            3 => self.extreme(d),
            4 => {
                let e = self.real(d);
                let n = *self.random.of(&[2, 3, 2, 4]);
                self.apply(Op::Powi(n), vec![e], Type::Real)
            }
            5 => self.several(d),
            6 => self.reduction(d),
            7 => self.product_to_number(d),
            8 => self.if_value(&Type::Real, d, false),
            9 => {
                let callees = self.callees;
                let fitting: Vec<usize> = (0..callees.len())
                    .filter(|i| callees[*i].result == Type::Real)
                    .collect();
                let callee = *self.random.of(&fitting);
                self.call(callee)
            }
            10 => self.iterator_sum(d),
            11 => self.range_sum(d),
            12 => self.fold(d),
            13 => match self.any(|v| v.ty == Type::Int) {
                Some(var) => self.apply(Op::IntToReal, vec![Expr::Var(var)], Type::Real),
                None => self.leaf(),
            },
            14 => self.of_square_matrix(d),
            15 => match self.any(|v| v.ty == Type::Int) {
                Some(var) => {
                    let arms = (0..2 + self.random.below(2))
                        .map(|_| self.scoped(|g| g.body(&Type::Real, d)))
                        .collect();
                    Expr::Match(Box::new(Expr::Var(var)), arms, Type::Real)
                }
                None => self.leaf(),
            },
            _ => {
                let body = self.scoped(|g| g.body(&Type::Real, d));
                Expr::Block(Box::new(body), Type::Real)
            }
        }
    }

    fn arithmetic(&mut self, d: usize) -> Expr {
        let op = self
            .random
            .of(&[
                Op::Add,
                Op::Add,
                Op::Sub,
                Op::Mul,
                Op::Mul,
                Op::Mul,
                Op::Div,
                Op::Neg,
            ])
            .clone();
        let a = self.real(d);
        if op == Op::Neg {
            return self.apply(op, vec![a], Type::Real);
        }
        let b = if op == Op::Div {
            self.away_from_zero(d)
        } else {
            self.real(d)
        };
        self.apply(op, vec![a, b], Type::Real)
    }

    fn unary(&mut self, d: usize) -> Expr {
        use Unary::*;
        let function = *self.random.of(&[
            Sin, Cos, Tan, Asin, Acos, Atan, Sinh, Cosh, Tanh, Asinh, Acosh, Atanh, Exp, Exp2,
            ExpM1, Ln, Ln1p, Log2, Log10, Sqrt, Cbrt, Recip, Abs, Signum, Floor, Fract, ToRadians,
            Sin, Cos, Exp, Tanh, Ln, Sqrt, Abs,
        ]);
        // The domain, most of the time.
        let e = if self.random.percent(12) {
            self.real(d)
        } else {
            match function {
                Asin | Acos | Atanh => {
                    let e = self.small(d);
                    self.apply(Op::Mul, vec![e, Expr::Real(0.8)], Type::Real)
                }
                Exp | Exp2 | ExpM1 | Sinh | Cosh if self.random.percent(50) => self.small(d),
                Ln | Ln1p | Log2 | Log10 | Sqrt | Recip => self.away_from_zero(d),
                Acosh => {
                    let e = self.away_from_zero(d);
                    self.apply(Op::Add, vec![e, Expr::Real(1.0)], Type::Real)
                }
                _ => self.real(d),
            }
        };
        self.apply(Op::Unary(function), vec![e], Type::Real)
    }

    fn extreme(&mut self, d: usize) -> Expr {
        let a = self.real(d);
        if self.random.percent(30) {
            return self.apply(Op::Clamp(-0.8, 1.2), vec![a], Type::Real);
        }
        let b = if self.random.percent(50) {
            Expr::Real(*self.random.of(&[0.0, 0.5, 1.0]))
        } else {
            self.real(d)
        };
        let op = self.random.of(&[Op::Max, Op::Min]).clone();
        self.apply(op, vec![a, b], Type::Real)
    }

    /// Functions of several numbers.
    fn several(&mut self, d: usize) -> Expr {
        match self.random.below(4) {
            0 => {
                let args = vec![self.real(d), self.real(d), self.real(d)];
                self.apply(Op::MulAdd, args, Type::Real)
            }
            1 => {
                let args = vec![self.real(d), self.away_from_zero(d)];
                self.apply(Op::Hypot, args, Type::Real)
            }
            2 => {
                let args = vec![self.real(d), self.away_from_zero(d)];
                self.apply(Op::Atan2, args, Type::Real)
            }
            _ => {
                let base = self.away_from_zero(d);
                let exponent = if self.random.percent(50) {
                    Expr::Real(*self.random.of(&[0.5, 1.5, 2.0, -1.0, 3.0]))
                } else {
                    self.small(d)
                };
                self.apply(Op::Powf, vec![base, exponent], Type::Real)
            }
        }
    }

    fn reduction(&mut self, d: usize) -> Expr {
        let Type::Matrix(rows, cols) = self.matrix_type() else {
            return self.leaf();
        };
        let m = self.matrix(rows, cols, d);
        let op = match self.random.weighted(&[30, 12, 25, 12, 5, 5, 3, 3, 3]) {
            0 => Op::Sum,
            1 => Op::Mean,
            2 => Op::NormSquared,
            3 => Op::Norm,
            4 => Op::Variance,
            5 => Op::LargestEntry,
            6 => Op::SmallestEntry,
            7 => Op::LargestSize,
            _ => Op::SmallestSize,
        };
        self.apply(op, vec![m], Type::Real)
    }

    fn product_to_number(&mut self, d: usize) -> Expr {
        let extent = self.any_extent();
        let a = self.matrix(extent, Extent::ONE, d);
        let b = self.matrix(extent, Extent::ONE, d);
        let op = if self.random.percent(80) {
            Op::Dot
        } else {
            Op::Inner
        };
        self.apply(op, vec![a, b], Type::Real)
    }

    fn of_square_matrix(&mut self, d: usize) -> Expr {
        let n = self.extents[0];
        match self.random.below(3) {
            0 => {
                let m = self.matrix(n, n, d);
                self.apply(Op::Trace, vec![m], Type::Real)
            }
            1 => {
                let m = self.matrix(n, n, d);
                self.apply(Op::Determinant, vec![m], Type::Real)
            }
            _ => {
                let m = self.definite_matrix(n, d);
                self.apply(Op::CholeskyLnDeterminant, vec![m], Type::Real)
            }
        }
    }

    fn iterator_sum(&mut self, d: usize) -> Expr {
        let is_list = |v: &Variable| {
            matches!(v.ty, Type::List(..) | Type::Matrix(..)) && v.holds != Holds::View
        };
        let Some(first) = self.any(is_list) else {
            return self.leaf();
        };
        let mut over = vec![Expr::Var(first)];
        if self.random.percent(35)
            && let Some(second) = self.any(is_list)
        {
            over.push(Expr::Var(second));
        }
        let holds = if over.len() == 1 && self.random.percent(30) {
            Holds::Owned
        } else {
            Holds::Reference
        };
        let count = over
            .iter()
            .map(|e| match e {
                Expr::Var(v) => self.variables[*v].ty.entries(),
                _ => 0,
            })
            .min()
            .unwrap_or(0);
        let with_index = self.random.percent(25);
        self.scoped(|g| {
            let index = with_index.then(|| g.new_variable(Type::Int, Holds::Owned));
            if let Some(index) = index {
                g.largest.insert(index, count.saturating_sub(1));
            }
            let vars = over
                .iter()
                .map(|_| g.new_variable(Type::Real, holds))
                .collect();
            let body = Box::new(g.closure_body(d));
            g.budget = g.budget.saturating_sub(1);
            Expr::IterSum {
                index,
                vars,
                over,
                body,
            }
        })
    }

    fn range_sum(&mut self, d: usize) -> Expr {
        let (end, n) = self.size_of_something().unwrap_or((Expr::Int(3), 3));
        let start = if self.random.percent(25) { 1 } else { 0 };
        self.scoped(|g| {
            let index = g.new_variable(Type::Int, Holds::Owned);
            g.largest.insert(index, n.saturating_sub(1));
            let body = Box::new(g.closure_body(d));
            g.budget = g.budget.saturating_sub(1);
            Expr::RangeSum(index, Box::new(Expr::Int(start)), Box::new(end), body)
        })
    }

    fn fold(&mut self, d: usize) -> Expr {
        let is_list = |v: &Variable| {
            matches!(v.ty, Type::List(..) | Type::Matrix(..)) && v.holds != Holds::View
        };
        let Some(over) = self.any(is_list) else {
            return self.leaf();
        };
        let start = Box::new(self.real(d.min(1)));
        self.scoped(|g| {
            let total = g.new_variable(Type::Real, Holds::Owned);
            let var = g.new_variable(Type::Real, Holds::Reference);
            g.scope.retain(|v| *v != total);
            let entries_only = std::mem::replace(&mut g.entries_only, true);
            let term = Box::new(g.real(d));
            g.entries_only = entries_only;
            g.budget = g.budget.saturating_sub(1);
            Expr::Fold {
                start,
                total,
                var,
                over: Box::new(Expr::Var(over)),
                term,
            }
        })
    }

    /// What a closure computes of entries.
    fn closure_body(&mut self, depth: usize) -> Body {
        let entries_only = std::mem::replace(&mut self.entries_only, true);
        let may_assign = std::mem::replace(&mut self.may_assign, false);
        let body = if self.random.percent(30) {
            self.body(&Type::Real, depth.min(2))
        } else {
            Body {
                statements: Vec::new(),
                value: Some(self.real(depth.min(2))),
            }
        };
        self.entries_only = entries_only;
        self.may_assign = may_assign;
        body
    }

    fn call(&mut self, callee: usize) -> Expr {
        let callees = self.callees;
        let function = &callees[callee];
        let mut args = Vec::new();
        for parameter in &function.variables[..function.parameters] {
            // In closures only calls of numbers are possible.
            if self.entries_only && !matches!(parameter.ty, Type::Real | Type::Int) {
                return self.leaf();
            }
            let arg = match &parameter.ty {
                Type::Int => Expr::Int(self.random.below(3)),
                ty => match self.argument(ty) {
                    // A view that was made a matrix again is still taken for a view.
                    Expr::Apply(Op::Row | Op::Column | Op::RowsFrom(_) | Op::ViewFrom(..), ..) => {
                        self.apply(Op::Repeat, vec![Expr::Real(0.5)], ty.clone())
                    }
                    Expr::Var(var) if self.variables[var].holds == Holds::View => {
                        self.apply(Op::Neg, vec![Expr::Var(var)], ty.clone())
                    }
                    other => other,
                },
            };
            args.push(arg);
        }
        self.budget = self.budget.saturating_sub(1);
        Expr::Call(callee, args, function.result.clone())
    }

    fn argument(&mut self, ty: &Type) -> Expr {
        let fits = |v: &Variable| v.ty == *ty && v.holds == Holds::Owned;
        if self.random.percent(40)
            && let Some(var) = self.any(fits)
        {
            return Expr::Var(var);
        }
        self.value(ty, 1)
    }

    // ---- matrices ----

    fn any_extent(&mut self) -> Extent {
        if self.random.percent(15) {
            Extent::Fixed(3)
        } else {
            *self.random.of(&self.extents)
        }
    }

    fn matrix_type(&mut self) -> Type {
        let [n, m] = self.extents;
        match self.random.weighted(&[55, 15, 8, 8, 6]) {
            0 => Type::vector(self.any_extent()),
            1 => Type::Matrix(n, m),
            2 => Type::Matrix(m, n),
            3 => Type::Matrix(n, n),
            _ => Type::Matrix(Extent::ONE, n),
        }
    }

    fn matrix_leaf(&mut self, rows: Extent, cols: Extent) -> Expr {
        let ty = Type::Matrix(rows, cols);
        if self.random.percent(80)
            && let Some(var) = self.any(|v| v.ty == ty)
        {
            return Expr::Var(var);
        }
        match self.random.weighted(&[70, 15, 8]) {
            1 => {
                let e = self.leaf();
                self.apply(Op::Repeat, vec![e], ty)
            }
            2 if rows == cols => self.apply(Op::Identity, Vec::new(), ty),
            2 => self.apply(Op::Zeros, Vec::new(), ty),
            _ => {
                let entries = (0..rows.size() * cols.size())
                    .map(|_| self.leaf())
                    .collect();
                self.apply(Op::Build, entries, ty)
            }
        }
    }

    /// A matrix that can be inverted, most of the time.
    fn regular_matrix(&mut self, n: Extent, d: usize) -> Expr {
        let ty = Type::Matrix(n, n);
        let m = self.matrix(n, n, d.saturating_sub(1));
        let identity = self.apply(Op::Identity, Vec::new(), ty.clone());
        let shift = self.apply(Op::Mul, vec![identity, Expr::Real(3.0)], ty.clone());
        self.apply(Op::Add, vec![m, shift], ty)
    }

    /// A symmetric matrix with positive eigenvalues.
    fn definite_matrix(&mut self, n: Extent, d: usize) -> Expr {
        let ty = Type::Matrix(n, n);
        let m = self.matrix(n, n, d.saturating_sub(1));
        let transposed = self.apply(Op::Transpose, vec![m.clone()], ty.clone());
        let product = self.apply(Op::Mul, vec![m, transposed], ty.clone());
        let identity = self.apply(Op::Identity, Vec::new(), ty.clone());
        self.apply(Op::Add, vec![product, identity], ty)
    }

    fn matrix(&mut self, rows: Extent, cols: Extent, depth: usize) -> Expr {
        if depth == 0 || self.budget == 0 {
            return self.matrix_leaf(rows, cols);
        }
        let ty = Type::Matrix(rows, cols);
        let d = depth - 1;
        let is_vector = cols == Extent::ONE;
        let is_row = rows == Extent::ONE;
        let is_square = rows == cols;
        // Whether rows and columns are both of the extents of this program.
        let of_program = [rows, cols]
            .iter()
            .all(|e| *e == Extent::ONE || self.extents.contains(e));
        let inner = *self.random.of(&self.extents);
        let weights = [
            20,
            24,
            14,
            18 * usize::from(of_program),
            12,
            8,
            5,
            4,
            6,
            6 * usize::from(of_program),
            4 * usize::from(of_program && (is_vector || is_row)),
            3 * usize::from(is_vector && of_program),
            3,
            5 * usize::from(rows == Extent::Fixed(3) && is_vector),
            3 * usize::from(is_square && of_program),
            4 * usize::from(is_vector && of_program),
            3,
            5,
            2 * usize::from(is_square && of_program),
            3,
        ];
        match self.random.weighted(&weights) {
            0 => self.matrix_leaf(rows, cols),
            1 => {
                let op = self.random.of(&[Op::Add, Op::Sub]).clone();
                let args = vec![self.matrix(rows, cols, d), self.matrix(rows, cols, d)];
                self.apply(op, args, ty)
            }
            2 => {
                let m = self.matrix(rows, cols, d);
                match self.random.below(4) {
                    0 => {
                        let s = self.away_from_zero(d);
                        self.apply(Op::Div, vec![m, s], ty)
                    }
                    1 => {
                        let s = self.factor(d);
                        self.apply(Op::Mul, vec![s, m], ty)
                    }
                    2 => {
                        let s = self.real(d.min(1));
                        self.apply(Op::Scale, vec![m, s], ty)
                    }
                    _ => {
                        let s = self.factor(d);
                        self.apply(Op::Mul, vec![m, s], ty)
                    }
                }
            }
            3 => {
                if self.random.percent(20) && !(rows == Extent::ONE) {
                    let args = vec![self.matrix(inner, rows, d), self.matrix(inner, cols, d)];
                    self.apply(Op::TrMul, args, ty)
                } else {
                    let args = vec![self.matrix(rows, inner, d), self.matrix(inner, cols, d)];
                    self.apply(Op::Mul, args, ty)
                }
            }
            4 => self.map(rows, cols, d),
            5 => {
                let op = self
                    .random
                    .of(&[Op::ComponentMul, Op::ComponentMul, Op::ComponentDiv])
                    .clone();
                let a = self.matrix(rows, cols, d);
                let mut b = self.matrix(rows, cols, d);
                if op == Op::ComponentDiv {
                    let squares = self.apply(Op::ComponentMul, vec![b.clone(), b], ty.clone());
                    b = self.apply(Op::AddScalar, vec![squares, Expr::Real(0.5)], ty.clone());
                }
                self.apply(op, vec![a, b], ty)
            }
            6 => {
                let args = vec![self.matrix(rows, cols, d), self.real(d)];
                self.apply(Op::AddScalar, args, ty)
            }
            7 => {
                let m = self.matrix(rows, cols, d);
                let op = self.random.of(&[Op::Neg, Op::AbsEntries]).clone();
                self.apply(op, vec![m], ty)
            }
            8 => self.by_places(rows, cols, d),
            9 => {
                let m = self.matrix(cols, rows, d);
                self.apply(Op::Transpose, vec![m], ty)
            }
            10 if is_vector => {
                let m = self.matrix(rows, inner, d);
                match self.random.below(3) {
                    0 => {
                        let op = self.random.of(&[Op::ColumnSum, Op::ColumnMean]).clone();
                        self.apply(op, vec![m], ty)
                    }
                    _ => {
                        let j = self.index(inner.size());
                        self.apply(Op::Column, vec![m, j], ty)
                    }
                }
            }
            10 => {
                let m = self.matrix(inner, cols, d);
                match self.random.below(3) {
                    0 => {
                        let op = self.random.of(&[Op::RowSum, Op::RowMean]).clone();
                        self.apply(op, vec![m], ty)
                    }
                    _ => {
                        let i = self.index(inner.size());
                        self.apply(Op::Row, vec![m, i], ty)
                    }
                }
            }
            11 => {
                let m = self.matrix(rows, rows, d);
                self.apply(Op::Diagonal, vec![m], ty)
            }
            12 => {
                let m = self.matrix(rows, cols, d);
                self.apply(Op::Normalize, vec![m], ty)
            }
            13 => {
                let args = vec![self.matrix(rows, cols, d), self.matrix(rows, cols, d)];
                self.apply(Op::Cross, args, ty)
            }
            14 => {
                let m = self.regular_matrix(rows, d);
                let op = if self.optional && self.random.percent(60) && !self.entries_only {
                    Op::InverseOrNone
                } else {
                    Op::Inverse
                };
                self.apply(op, vec![m], ty)
            }
            15 => {
                let b = self.matrix(rows, cols, d);
                if self.random.percent(50) {
                    let m = self.regular_matrix(rows, d);
                    self.apply(Op::LuSolve, vec![m, b], ty)
                } else {
                    let m = self.definite_matrix(rows, d);
                    self.apply(Op::CholeskySolve, vec![m, b], ty)
                }
            }
            16 => {
                let body = self.scoped(|g| g.body(&ty, d));
                Expr::Block(Box::new(body), ty)
            }
            17 => self.if_value(&ty, d, false),
            18 => {
                if self.random.percent(50) {
                    let v = self.matrix(rows, Extent::ONE, d);
                    self.apply(Op::FromDiagonal, vec![v], ty)
                } else {
                    let m = self.definite_matrix(rows, d);
                    self.apply(Op::CholeskyInverse, vec![m], ty)
                }
            }
            _ => {
                let entries = (0..rows.size() * cols.size())
                    .map(|_| self.real(1))
                    .collect();
                self.apply(Op::Build, entries, ty)
            }
        }
    }

    fn map(&mut self, rows: Extent, cols: Extent, d: usize) -> Expr {
        let ty = Type::Matrix(rows, cols);
        let count = [1, 1, 1, 1, 2, 2, 3][self.random.below(7)];
        let over: Vec<Expr> = (0..count)
            .map(|_| self.matrix(rows, cols, d.min(2)))
            .collect();
        self.scoped(|g| {
            let vars = (0..count)
                .map(|_| g.new_variable(Type::Real, Holds::Owned))
                .collect();
            let body = Box::new(g.closure_body(2));
            g.budget = g.budget.saturating_sub(1);
            Expr::Map(vars, over, body, ty)
        })
    }

    fn by_places(&mut self, rows: Extent, cols: Extent, d: usize) -> Expr {
        let ty = Type::Matrix(rows, cols);
        self.scoped(|g| {
            let i = g.new_variable(Type::Int, Holds::Owned);
            g.largest.insert(i, rows.size() - 1);
            let j = g.new_variable(Type::Int, Holds::Owned);
            g.largest.insert(j, cols.size() - 1);
            let body = Box::new(g.closure_body(d.min(2)));
            g.budget = g.budget.saturating_sub(1);
            Expr::FromFn(i, j, body, ty)
        })
    }
}
