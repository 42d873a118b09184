//! Programs as Rust: what a user would have written.

use crate::interpret::INTEGER;
use crate::program::{
    Body, Cond, Expr, Extent, Function, Holds, Kind, List, Op, Program, Statement, Type, Unary, Var,
};
use std::fmt::Write;

/// How tightly an expression holds together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Loose,
    Sum,
    Product,
    Prefix,
    Tight,
}

type Text = (String, Binding);

fn tight(text: impl Into<String>) -> Text {
    (text.into(), Binding::Tight)
}

fn at_least((text, binding): Text, wanted: Binding) -> String {
    if binding >= wanted {
        text
    } else {
        format!("({text})")
    }
}

/// The name of an owned type.
pub fn type_name(ty: &Type) -> String {
    match ty {
        Type::Real => "f64".into(),
        Type::Int => "usize".into(),
        Type::Matrix(rows, cols) => format!("{}<f64>", matrix_name(*rows, *cols)),
        Type::List(List::Slice | List::Vec, _) => "Vec<f64>".into(),
        Type::List(List::Array, n) => format!("[f64; {n}]"),
        Type::Tuple(parts) => {
            let parts: Vec<String> = parts.iter().map(type_name).collect();
            format!("({})", parts.join(", "))
        }
    }
}

fn matrix_name(rows: Extent, cols: Extent) -> String {
    use Extent::{Dynamic, Fixed};
    match (rows, cols) {
        (Dynamic(_), Fixed(1)) => "DVector".into(),
        (Fixed(1), Dynamic(_)) => "RowDVector".into(),
        (Dynamic(_), Dynamic(_)) => "DMatrix".into(),
        (Fixed(n), Fixed(1)) => format!("Vector{n}"),
        (Fixed(1), Fixed(n)) => format!("RowVector{n}"),
        (Fixed(r), Fixed(c)) if r == c => format!("Matrix{r}"),
        (Fixed(r), Fixed(c)) => format!("Matrix{r}x{c}"),
        (Dynamic(_), Fixed(_)) | (Fixed(_), Dynamic(_)) => {
            unreachable!("the generator has no names for these")
        }
    }
}

fn parameter_type(function: &Function, parameter: Var) -> String {
    let variable = &function.variables[parameter];
    let name = type_name(&variable.ty);
    match (&variable.ty, variable.holds) {
        (Type::List(List::Slice, _), _) => "&[f64]".into(),
        (_, Holds::Reference) => format!("&{name}"),
        _ => name,
    }
}

/// The functions of a program.
pub fn source(program: &Program) -> String {
    let mut out = String::new();
    for callee in &program.callees {
        // Without kinds it is only looked whether the functions themselves are well typed.
        if !program.kinds.is_empty() {
            out.push_str("#[differentiable]\n");
        }
        out.push_str(&function(callee, &program.callees));
    }
    for (i, kind) in program.kinds.iter().enumerate() {
        let arguments = match (&program.function.wrt, i) {
            (Some(wrt), 0) => format!("(wrt({}))", names(&program.function, wrt).join(", ")),
            _ => String::new(),
        };
        let _ = writeln!(out, "#[{}{arguments}]", kind.attribute());
    }
    out.push_str(&function(&program.function, &program.callees));
    out
}

/// The functions of a program as a module, with entries for the server: those of its kinds after the function itself.
pub fn program(program: &Program, name: &str) -> String {
    let mut out = format!("pub mod {name} {{\nuse super::*;\n{}", source(program));
    out.push_str(&entry(&program.function, None));
    for kind in &program.kinds {
        out.push_str(&entry(&program.function, Some(*kind)));
    }
    out.push_str("}\n");
    out
}

/// The names of the entries of a program.
pub fn entries(program: &Program, name: &str) -> Vec<String> {
    let kinds = program.kinds.iter().map(|kind| kind.attribute());
    let all = std::iter::once("value").chain(kinds);
    all.map(|kind| format!("{name}::call_{kind}")).collect()
}

fn names(function: &Function, variables: &[Var]) -> Vec<String> {
    let name = |v: &Var| function.variables[*v].name.clone();
    variables.iter().map(name).collect()
}

fn entry(function: &Function, kind: Option<Kind>) -> String {
    let mut text = format!(
        "pub fn call_{}(p: &mut Arguments, out: &mut Vec<f64>) {{\n",
        kind.map_or("value", Kind::attribute)
    );
    let mut arguments = Vec::new();
    let parameters: Vec<Var> = (0..function.parameters).collect();
    bind(function, &parameters, "a", &mut text, &mut arguments);
    if matches!(kind, Some(Kind::Jvp | Kind::Hvp)) {
        bind(function, &function.active(), "d", &mut text, &mut arguments);
    }
    let arguments = arguments.join(", ");
    let calls = match kind {
        None => format!("answer(out, || f({arguments}));\n"),
        Some(Kind::Vjp) => {
            let _ = writeln!(text, "let y = {};", read(&function.result));
            let pulled = "(value, pull(y.clone()), pull(y.clone()))";
            if function.optional {
                format!("answer(out, || f_vjp({arguments}).map(|(value, pull)| {pulled}));\n")
            } else {
                format!("answer(out, || {{ let (value, pull) = f_vjp({arguments}); {pulled} }});\n")
            }
        }
        Some(kind @ (Kind::Jvp | Kind::Hvp)) => {
            format!("answer(out, || f_{}({arguments}));\n", kind.attribute())
        }
        Some(kind) => {
            let with_value = match kind {
                Kind::Hessian => "value_gradient_and_hessian".into(),
                _ => format!("value_and_{}", kind.attribute()),
            };
            let alone = kind.attribute();
            format!(
                "answer(out, || f_{alone}({arguments}));\nanswer(out, || f_{with_value}({arguments}));\n"
            )
        }
    };
    text.push_str(&calls);
    text.push_str("}\n");
    text
}

/// Reads values of the types of these parameters, and says how to pass them.
fn bind(
    function: &Function,
    parameters: &[Var],
    prefix: &str,
    text: &mut String,
    arguments: &mut Vec<String>,
) {
    for parameter in parameters {
        let variable = &function.variables[*parameter];
        let local = format!("{prefix}{parameter}");
        let value = match &variable.ty {
            Type::Int => INTEGER.to_string(),
            ty => read(ty),
        };
        let _ = writeln!(text, "let {local} = {value};");
        arguments.push(match (&variable.ty, variable.holds) {
            (Type::List(List::Slice, _), _) | (_, Holds::Reference) => format!("&{local}"),
            (Type::Real | Type::Int, _) => local,
            _ => format!("{local}.clone()"),
        });
    }
}

fn read(ty: &Type) -> String {
    match ty {
        Type::Real => "p.real()".into(),
        Type::Int => "()".into(),
        Type::Matrix(Extent::Fixed(r), Extent::Fixed(c)) => {
            format!("p.fixed::<Const<{r}>, Const<{c}>>()")
        }
        Type::Matrix(rows, Extent::Fixed(_)) => format!("p.vector({})", rows.size()),
        Type::Matrix(Extent::Fixed(_), cols) => format!("p.row({})", cols.size()),
        Type::Matrix(rows, cols) => format!("p.matrix({}, {})", rows.size(), cols.size()),
        Type::List(List::Array, n) => format!("p.array::<{n}>()"),
        Type::List(_, n) => format!("p.list({n})"),
        Type::Tuple(parts) => {
            let parts: Vec<String> = parts.iter().map(read).collect();
            format!("({})", parts.join(", "))
        }
    }
}

/// A function without attributes.
pub fn function(function: &Function, callees: &[Function]) -> String {
    let parameters: Vec<String> = (0..function.parameters)
        .map(|p| {
            let name = &function.variables[p].name;
            format!("{name}: {}", parameter_type(function, p))
        })
        .collect();
    let result = type_name(&function.result);
    let result = if function.optional {
        format!("Option<{result}>")
    } else {
        result
    };
    let mut writer = Writer {
        function,
        callees,
        out: String::new(),
        structs: String::new(),
        depth: 1,
        spellings: 0,
    };
    writer.statements(&function.body.statements);
    if let Some(value) = &function.body.value {
        let value = writer.returned(value);
        writer.line(&value);
    }
    format!(
        "pub fn {}({}) -> {result} {{\n{}{}}}\n",
        function.name,
        parameters.join(", "),
        writer.structs,
        writer.out
    )
}

struct Writer<'a> {
    function: &'a Function,
    callees: &'a [Function],
    out: String,
    /// The structs that hold variables, before the statements.
    structs: String,
    depth: usize,
    /// Chooses between spellings where the tree does not.
    spellings: u32,
}

impl Writer<'_> {
    fn line(&mut self, text: &str) {
        let indent = "    ".repeat(self.depth);
        let _ = writeln!(self.out, "{indent}{text}");
    }

    fn coin(&mut self) -> bool {
        self.spellings = self
            .spellings
            .wrapping_mul(1_103_515_245)
            .wrapping_add(12_345);
        self.spellings & 0x1_0000 != 0
    }

    fn name(&self, var: Var) -> String {
        let name = &self.function.variables[var].name;
        if self.is_field(var) {
            return format!("{name}.it");
        }
        name.clone()
    }

    /// Whether a variable that changes is the field of a struct.
    fn is_field(&self, var: Var) -> bool {
        let variable = &self.function.variables[var];
        let own = var >= self.function.parameters && variable.holds == Holds::Owned;
        own && variable.mutable && variable.ty != Type::Int && var.is_multiple_of(5)
    }

    /// What is written inside, as text of its own.
    fn inside(&mut self, write: impl FnOnce(&mut Self)) -> String {
        let outer = std::mem::take(&mut self.out);
        self.depth += 1;
        write(self);
        self.depth -= 1;
        std::mem::replace(&mut self.out, outer)
    }

    fn braced(&mut self, statements: &[Statement], last: Option<&str>) -> String {
        let inner = self.inside(|w| {
            w.statements(statements);
            if let Some(last) = last {
                w.line(last);
            }
        });
        format!("{{\n{inner}{}}}", "    ".repeat(self.depth))
    }

    fn block(&mut self, body: &Body) -> String {
        let inner = self.inside(|w| {
            w.statements(&body.statements);
            if let Some(value) = &body.value {
                let value = w.owned(value);
                w.line(&value.0);
            }
        });
        format!("{{\n{inner}{}}}", "    ".repeat(self.depth))
    }

    /// What a closure computes.
    fn closure_body(&mut self, body: &Body) -> String {
        match (&body.statements[..], &body.value) {
            ([], Some(x @ Expr::Real(_))) => format!("{}_f64", self.expr(x).0),
            ([], Some(value)) => self.owned(value).0,
            _ => self.block(body),
        }
    }

    fn returned(&mut self, value: &Expr) -> String {
        let value = self.owned(value).0;
        if self.function.optional {
            format!("Some({value})")
        } else {
            value
        }
    }

    fn statements(&mut self, statements: &[Statement]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Let { vars, typed, value } => {
                let variables = &self.function.variables;
                let patterns: Vec<String> = vars
                    .iter()
                    .map(|v| {
                        let mutable = if variables[*v].mutable { "mut " } else { "" };
                        format!("{mutable}{}", variables[*v].name)
                    })
                    .collect();
                let pattern = match &patterns[..] {
                    [one] => one.clone(),
                    many => format!("({})", many.join(", ")),
                };
                let is_view = variables[vars[0]].holds == Holds::View;
                let must = vars.len() == 1 && !is_view && !self.is_definite(value);
                let ty = if (*typed && !is_view) || must {
                    let types: Vec<String> =
                        vars.iter().map(|v| type_name(&variables[*v].ty)).collect();
                    match &types[..] {
                        [one] => format!(": {one}"),
                        many => format!(": ({})", many.join(", ")),
                    }
                } else {
                    String::new()
                };
                let value = if is_view {
                    self.expr(value).0
                } else {
                    self.owned(value).0
                };
                if let ([var], true) = (&vars[..], self.is_field(vars[0])) {
                    let it = type_name(&variables[*var].ty);
                    let item = format!("    struct Held{var} {{ it: {it}, other: f64 }}\n");
                    // An expression may stand in two places, with what it binds.
                    if !self.structs.contains(&item) {
                        self.structs.push_str(&item);
                    }
                    self.line(&format!(
                        "let {pattern} = Held{var} {{ it: {value}, other: 1.0 }};"
                    ));
                    return;
                }
                self.line(&format!("let {pattern}{ty} = {value};"));
            }
            Statement::Assign(var, op, value) => {
                let name = self.name(*var);
                let value = match op {
                    None => self.owned(value).0,
                    Some(_) => self.operand(value).0,
                };
                self.line(&format!("{name} {} {value};", assignment(op)));
            }
            Statement::AssignEntry(var, index, op, value) => {
                let name = self.name(*var);
                let place = self.place(index);
                let value = self.owned(value).0;
                self.line(&format!("{name}{place} {} {value};", assignment(op)));
            }
            Statement::If(cond, then, otherwise) => {
                let cond = self.cond(cond);
                let mut text = format!("if {cond} {}", self.braced(then, None));
                if let Some(otherwise) = otherwise {
                    let _ = write!(text, " else {}", self.braced(otherwise, None));
                }
                self.line(&text);
            }
            Statement::Match(of, arms) => {
                let of = self.expr(of).0;
                let arms: Vec<Vec<Statement>> = arms.clone();
                let inner = self.inside(|w| {
                    for (i, arm) in arms.iter().enumerate() {
                        let pattern = pattern(i, arms.len());
                        let body = w.braced(arm, None);
                        w.line(&format!("{pattern} => {body}"));
                    }
                });
                self.line(&format!(
                    "match {of} {{\n{inner}{}}}",
                    "    ".repeat(self.depth)
                ));
            }
            Statement::Return(cond, body) => {
                let cond = self.cond(cond);
                let inner = self.inside(|w| {
                    w.statements(&body.statements);
                    if let Some(value) = &body.value {
                        let value = w.returned(value);
                        w.line(&format!("return {value};"));
                    }
                });
                let indent = "    ".repeat(self.depth);
                self.line(&format!("if {cond} {{\n{inner}{indent}}}"));
            }
            Statement::ReturnNone(cond) => {
                let cond = self.cond(cond);
                self.guard(&cond, "return None;");
            }
            Statement::For(var, start, end, statements) => {
                let (start, end) = (self.expr(start), self.expr(end));
                let range = format!(
                    "{}..{}",
                    at_least(start, Binding::Sum),
                    at_least(end, Binding::Sum)
                );
                let name = self.name(*var);
                let body = self.braced(statements, None);
                self.line(&format!("for {name} in {range} {body}"));
            }
            Statement::While(counter, end, cond, statements) => {
                let name = self.name(*counter);
                let end = self.expr(end).0;
                let more = match cond {
                    Some(cond) => format!(" && {}", self.cond_operand(cond)),
                    None => String::new(),
                };
                let body = self.braced(statements, Some(&format!("{name} += 1;")));
                self.line(&format!("while {name} < {end}{more} {body}"));
            }
            Statement::Break(cond) => {
                let cond = self.cond(cond);
                self.guard(&cond, "break;");
            }
            Statement::Continue(cond) => {
                let cond = self.cond(cond);
                self.guard(&cond, "continue;");
            }
            Statement::Log(what) => {
                let what = self.expr(what).0;
                self.line(&format!("log({what});"));
            }
            Statement::AssertLess(a, b) => {
                let (a, b) = (self.expr(a).0, self.expr(b).0);
                self.line(&format!("assert!({a} < {b}, \"too long\");"));
            }
            Statement::Block(statements) => {
                let text = self.braced(statements, None);
                self.line(&text);
            }
        }
    }

    fn guard(&mut self, cond: &str, what: &str) {
        let body = self.braced(&[], Some(what));
        self.line(&format!("if {cond} {body}"));
    }

    fn cond(&mut self, cond: &Cond) -> String {
        match cond {
            Cond::Less(a, b) | Cond::Greater(a, b) => {
                let (a, b) = (self.operand(a), self.operand(b));
                let sign = if matches!(cond, Cond::Less(..)) {
                    "<"
                } else {
                    ">"
                };
                format!(
                    "{} {sign} {}",
                    at_least(a, Binding::Sum),
                    at_least(b, Binding::Sum)
                )
            }
            Cond::IntLess(a, b) => format!("{} < {}", self.expr(a).0, self.expr(b).0),
            Cond::IntEqual(a, b) => format!("{} == {}", self.expr(a).0, self.expr(b).0),
            Cond::And(a, b) => format!("{} && {}", self.cond_operand(a), self.cond_operand(b)),
            Cond::Or(a, b) => format!("{} || {}", self.cond_operand(a), self.cond_operand(b)),
            Cond::Not(a) => format!("!({})", self.cond(a)),
        }
    }

    fn cond_operand(&mut self, cond: &Cond) -> String {
        let text = self.cond(cond);
        match cond {
            Cond::And(..) | Cond::Or(..) => format!("({text})"),
            _ => text,
        }
    }

    /// Whether rustc knows the type of this without what comes after.
    fn is_definite(&self, expr: &Expr) -> bool {
        let of = |body: &Body| body.value.as_ref().is_some_and(|v| self.is_definite(v));
        match expr {
            Expr::Real(_) => false,
            Expr::Apply(Op::Neg | Op::Add | Op::Sub | Op::Mul | Op::Div, args, _, _) => {
                args.iter().any(|a| self.is_definite(a))
            }
            Expr::Apply(Op::Build | Op::Repeat | Op::Zeros | Op::Identity, ..) => true,
            Expr::Apply(Op::Tuple, ..) => true,
            Expr::If(_, a, b, _) => of(a) || of(b),
            Expr::Match(_, arms, _) => arms.iter().any(of),
            Expr::Block(body, _) => of(body),
            _ => true,
        }
    }

    fn is_view(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Var(var) => self.function.variables[*var].holds == Holds::View,
            Expr::Apply(op, ..) => is_view_op(op),
            _ => false,
        }
    }

    /// A value that can be kept.
    fn owned(&mut self, expr: &Expr) -> Text {
        let text = self.expr(expr);
        if let Expr::Var(var) = expr {
            let variable = &self.function.variables[*var];
            return match (&variable.ty, variable.holds) {
                (Type::Real, Holds::Reference) => (format!("*{}", text.0), Binding::Prefix),
                (Type::Matrix(..), Holds::View) => tight(format!("{}.into_owned()", text.0)),
                (Type::Matrix(Extent::Fixed(_), Extent::Fixed(_)), Holds::Owned) => text,
                (Type::Matrix(..) | Type::List(..), _) => tight(format!("{}.clone()", text.0)),
                _ => text,
            };
        }
        if self.is_view(expr) {
            return tight(format!("{}.into_owned()", at_least(text, Binding::Tight)));
        }
        text
    }

    /// As an operand of arithmetic.
    fn operand(&mut self, expr: &Expr) -> Text {
        let text = self.expr(expr);
        if let Expr::Var(var) = expr {
            let variable = &self.function.variables[*var];
            return match (&variable.ty, variable.holds) {
                (Type::Real, Holds::Reference) => (format!("*{}", text.0), Binding::Prefix),
                (Type::Matrix(Extent::Fixed(_), Extent::Fixed(_)), Holds::Owned) if self.coin() => {
                    text
                }
                (Type::Matrix(..), Holds::Owned | Holds::View) => {
                    (format!("&{}", text.0), Binding::Prefix)
                }
                _ => text,
            };
        }
        text
    }

    /// As an argument that is wanted by reference.
    fn reference(&mut self, expr: &Expr) -> String {
        let text = self.expr(expr);
        match expr {
            Expr::Var(var) if self.function.variables[*var].holds == Holds::Reference => text.0,
            _ => format!("&{}", at_least(text, Binding::Prefix)),
        }
    }

    fn reference_to_number(&mut self, expr: &Expr) -> String {
        match expr {
            Expr::Var(var) if self.function.variables[*var].holds == Holds::Reference => {
                self.name(*var)
            }
            _ => format!("&{}", at_least(self.operand(expr), Binding::Prefix)),
        }
    }

    fn receiver(&mut self, expr: &Expr) -> String {
        let text = self.expr(expr);
        at_least(text, Binding::Tight)
    }

    /// A number as an argument.
    fn number(&mut self, expr: &Expr) -> String {
        self.operand(expr).0
    }

    fn place(&mut self, index: &[Expr]) -> String {
        let index: Vec<String> = index.iter().map(|i| self.expr(i).0).collect();
        match &index[..] {
            [one] => format!("[{one}]"),
            many => format!("[({})]", many.join(", ")),
        }
    }

    fn sizes(rows: Extent, cols: Extent) -> Vec<String> {
        let dynamic = |e: Extent| matches!(e, Extent::Dynamic(_)).then(|| e.size().to_string());
        [rows, cols].into_iter().filter_map(dynamic).collect()
    }

    fn expr(&mut self, expr: &Expr) -> Text {
        match expr {
            Expr::Real(x) if *x < 0.0 => (format!("{x:?}"), Binding::Prefix),
            Expr::Real(x) => tight(format!("{x:?}")),
            Expr::Int(i) => tight(i.to_string()),
            Expr::Var(var) => tight(self.name(*var)),
            Expr::Apply(op, args, ty, spelling) => self.apply(op, args, ty, *spelling),
            Expr::Map(vars, over, body, _) => {
                let method = ["map", "zip_map", "zip_zip_map"][over.len() - 1];
                let receiver = self.receiver(&over[0]);
                let mut args: Vec<String> = over[1..].iter().map(|m| self.reference(m)).collect();
                let names: Vec<String> = vars.iter().map(|v| self.name(*v)).collect();
                let body = self.closure_body(body);
                args.push(format!("|{}| {body}", names.join(", ")));
                tight(format!("{receiver}.{method}({})", args.join(", ")))
            }
            Expr::FromFn(i, j, body, ty) => {
                let Type::Matrix(rows, cols) = ty else {
                    unreachable!("`from_fn` gives a matrix")
                };
                let mut args = Self::sizes(*rows, *cols);
                let (i, j) = (self.name(*i), self.name(*j));
                let body = self.closure_body(body);
                args.push(format!("|{i}, {j}| {body}"));
                let name = matrix_name(*rows, *cols);
                tight(format!("{name}::from_fn({})", args.join(", ")))
            }
            Expr::IterSum {
                index,
                vars,
                over,
                body,
            } => {
                let mut chain = String::new();
                for (i, list) in over.iter().enumerate() {
                    let list = format!("{}.iter()", self.receiver(list));
                    if i == 0 {
                        chain = list;
                    } else {
                        chain = format!("{chain}.zip({list})");
                    }
                }
                if self.function.variables[vars[0]].holds == Holds::Owned {
                    chain.push_str(".copied()");
                }
                let mut pattern = self.name(vars[0]);
                for var in &vars[1..] {
                    pattern = format!("({pattern}, {})", self.name(*var));
                }
                if let Some(index) = index {
                    chain.push_str(".enumerate()");
                    pattern = format!("({}, {pattern})", self.name(*index));
                }
                let body = self.closure_body(body);
                tight(format!("{chain}.map(|{pattern}| {body}).sum::<f64>()"))
            }
            Expr::RangeSum(var, start, end, body) => {
                let (start, end) = (self.expr(start).0, self.expr(end).0);
                let name = self.name(*var);
                let body = self.closure_body(body);
                tight(format!(
                    "({start}..{end}).map(|{name}| {body}).sum::<f64>()"
                ))
            }
            Expr::Fold {
                start,
                total,
                var,
                over,
                term,
            } => {
                let over = self.receiver(over);
                let start = self.number(start);
                let term = self.expr(term);
                let term = at_least(term, Binding::Product);
                let (total, var) = (self.name(*total), self.name(*var));
                tight(format!(
                    "{over}.iter().fold({start}, |{total}, {var}| {total} + {term})"
                ))
            }
            Expr::If(cond, then, otherwise, _) => {
                let cond = self.cond(cond);
                let (then, otherwise) = (self.block(then), self.block(otherwise));
                (format!("if {cond} {then} else {otherwise}"), Binding::Loose)
            }
            Expr::Match(of, arms, _) => {
                let of = self.expr(of).0;
                let arms: Vec<Body> = arms.clone();
                let inner = self.inside(|w| {
                    for (i, arm) in arms.iter().enumerate() {
                        let pattern = pattern(i, arms.len());
                        let body = w.closure_body(arm);
                        w.line(&format!("{pattern} => {body},"));
                    }
                });
                let indent = "    ".repeat(self.depth);
                (format!("match {of} {{\n{inner}{indent}}}"), Binding::Loose)
            }
            Expr::Block(body, _) => (self.block(body), Binding::Loose),
            Expr::Call(callee, args, _) => {
                let parameters = &self.callees[*callee].variables;
                let args: Vec<String> = args
                    .iter()
                    .zip(parameters)
                    .map(|(arg, parameter)| match (&parameter.ty, parameter.holds) {
                        (Type::Matrix(..), Holds::Reference) if self.is_view(arg) => {
                            format!("&{}", self.owned(arg).0)
                        }
                        (Type::Matrix(..), Holds::Reference) => self.reference(arg),
                        (_, Holds::Reference) => self.reference_to_number(arg),
                        _ => self.owned(arg).0,
                    })
                    .collect();
                tight(format!("helper{callee}({})", args.join(", ")))
            }
        }
    }

    fn method(&mut self, of: &Expr, name: &str) -> Text {
        tight(format!("{}.{name}()", self.receiver(of)))
    }

    fn apply(&mut self, op: &Op, args: &[Expr], ty: &Type, spelling: u8) -> Text {
        let even = spelling.is_multiple_of(2);
        match op {
            Op::Neg => {
                let inner = self.operand(&args[0]);
                let inner = if inner.0.starts_with('-') {
                    format!("({})", inner.0)
                } else {
                    at_least(inner, Binding::Prefix)
                };
                (format!("-{inner}"), Binding::Prefix)
            }
            Op::Add | Op::Sub | Op::Mul | Op::Div => {
                let (sign, level, above) = match op {
                    Op::Add => ('+', Binding::Sum, Binding::Product),
                    Op::Sub => ('-', Binding::Sum, Binding::Product),
                    Op::Mul => ('*', Binding::Product, Binding::Prefix),
                    _ => ('/', Binding::Product, Binding::Prefix),
                };
                let a = self.operand(&args[0]);
                let b = self.operand(&args[1]);
                (
                    format!("{} {sign} {}", at_least(a, level), at_least(b, above)),
                    level,
                )
            }
            Op::Unary(function) => {
                let name = unary_name(*function);
                if !even || !self.is_definite(&args[0]) {
                    tight(format!("f64::{name}({})", self.number(&args[0])))
                } else {
                    self.method(&args[0], name)
                }
            }
            Op::Powi(n) => self.with_numbers("powi", &args[0], &[], &[n.to_string()]),
            Op::Clamp(a, b) => self.with_numbers(
                "clamp",
                &args[0],
                &[],
                &[format!("{a:?}"), format!("{b:?}")],
            ),
            Op::Powf => self.with_numbers("powf", &args[0], &args[1..], &[]),
            Op::Max => self.with_numbers("max", &args[0], &args[1..], &[]),
            Op::Min => self.with_numbers("min", &args[0], &args[1..], &[]),
            Op::Hypot => self.with_numbers("hypot", &args[0], &args[1..], &[]),
            Op::Atan2 => self.with_numbers("atan2", &args[0], &args[1..], &[]),
            Op::MulAdd => self.with_numbers("mul_add", &args[0], &args[1..], &[]),
            Op::IntToReal => {
                let int = self.expr(&args[0]);
                tight(format!("({} as f64)", at_least(int, Binding::Prefix)))
            }
            Op::IntAdd | Op::IntSub => {
                let (a, b) = (self.expr(&args[0]), self.expr(&args[1]));
                let sign = if *op == Op::IntAdd { '+' } else { '-' };
                (
                    format!("{} {sign} {}", a.0, at_least(b, Binding::Product)),
                    Binding::Sum,
                )
            }
            Op::Len => self.method(&args[0], "len"),
            Op::Rows => self.method(&args[0], "nrows"),
            Op::Cols => self.method(&args[0], "ncols"),
            Op::Sum => self.method(&args[0], "sum"),
            Op::Mean => self.method(&args[0], "mean"),
            Op::Variance => self.method(&args[0], "variance"),
            Op::Norm => self.method(&args[0], if even { "norm" } else { "magnitude" }),
            Op::NormSquared => self.method(&args[0], "norm_squared"),
            Op::Trace => self.method(&args[0], "trace"),
            Op::Determinant => self.method(&args[0], "determinant"),
            Op::LargestEntry => self.method(&args[0], "max"),
            Op::SmallestEntry => self.method(&args[0], "min"),
            Op::LargestSize => self.method(&args[0], "amax"),
            Op::SmallestSize => self.method(&args[0], "amin"),
            Op::Transpose => self.method(&args[0], "transpose"),
            Op::AbsEntries => self.method(&args[0], "abs"),
            Op::Normalize => self.method(&args[0], "normalize"),
            Op::Diagonal => self.method(&args[0], "diagonal"),
            Op::RowSum => self.method(&args[0], "row_sum"),
            Op::ColumnSum => self.method(&args[0], "column_sum"),
            Op::RowMean => self.method(&args[0], "row_mean"),
            Op::ColumnMean => self.method(&args[0], "column_mean"),
            Op::Dot => self.with_reference("dot", args),
            Op::ComponentMul => self.with_reference("component_mul", args),
            Op::ComponentDiv => self.with_reference("component_div", args),
            Op::Cross => self.with_reference("cross", args),
            Op::TrMul => self.with_reference("tr_mul", args),
            Op::Inner => {
                let a = self.receiver(&args[0]);
                let b = self.operand(&args[1]);
                let b = at_least(b, Binding::Prefix);
                let end = if even { "[(0, 0)]" } else { "[0]" };
                tight(format!("({a}.transpose() * {b}){end}"))
            }
            Op::Entry | Op::EntryAt => {
                let of = self.receiver(&args[0]);
                let place = self.place(&args[1..]);
                tight(format!("{of}{place}"))
            }
            Op::Coordinate(i) => {
                let of = self.receiver(&args[0]);
                tight(format!("{of}.{}", ["x", "y", "z", "w"][*i]))
            }
            Op::AddScalar | Op::Scale => {
                let of = self.receiver(&args[0]);
                let by = self.number(&args[1]);
                let name = if *op == Op::Scale {
                    "scale"
                } else {
                    "add_scalar"
                };
                tight(format!("{of}.{name}({by})"))
            }
            Op::Row | Op::Column => {
                let of = self.receiver(&args[0]);
                let at = self.expr(&args[1]).0;
                let name = if *op == Op::Row { "row" } else { "column" };
                tight(format!("{of}.{name}({at})"))
            }
            Op::RowsFrom(n) => {
                let of = self.receiver(&args[0]);
                let at = self.expr(&args[1]).0;
                match ty {
                    Type::Matrix(Extent::Fixed(_), _) => {
                        tight(format!("{of}.fixed_rows::<{n}>({at})"))
                    }
                    _ => tight(format!("{of}.rows({at}, {n})")),
                }
            }
            Op::ViewFrom(rows, cols) => {
                let of = self.receiver(&args[0]);
                let (i, j) = (self.expr(&args[1]).0, self.expr(&args[2]).0);
                match ty {
                    Type::Matrix(Extent::Fixed(_), _) => {
                        tight(format!("{of}.fixed_view::<{rows}, {cols}>({i}, {j})"))
                    }
                    _ => tight(format!("{of}.view(({i}, {j}), ({rows}, {cols}))")),
                }
            }
            Op::FromDiagonal => {
                let Type::Matrix(rows, cols) = ty else {
                    unreachable!("it gives a matrix")
                };
                let of = self.reference(&args[0]);
                tight(format!(
                    "{}::from_diagonal({of})",
                    matrix_name(*rows, *cols)
                ))
            }
            Op::Inverse | Op::InverseOrNone => {
                let of = self.owned(&args[0]);
                let end = if *op == Op::Inverse { ".unwrap()" } else { "?" };
                tight(format!(
                    "{}.try_inverse(){end}",
                    at_least(of, Binding::Tight)
                ))
            }
            Op::LuSolve => {
                let of = self.owned(&args[0]);
                let b = self.reference(&args[1]);
                let of = at_least(of, Binding::Tight);
                tight(format!("{of}.lu().solve({b}).unwrap()"))
            }
            Op::CholeskySolve | Op::CholeskyInverse | Op::CholeskyLnDeterminant => {
                let of = self.owned(&args[0]);
                let of = at_least(of, Binding::Tight);
                let end = match op {
                    Op::CholeskySolve => format!("solve({})", self.reference(&args[1])),
                    Op::CholeskyInverse => "inverse()".into(),
                    _ => "ln_determinant()".into(),
                };
                tight(format!("{of}.cholesky().unwrap().{end}"))
            }
            Op::Zeros | Op::Identity | Op::Repeat => {
                let Type::Matrix(rows, cols) = ty else {
                    unreachable!("it gives a matrix")
                };
                let mut list = Self::sizes(*rows, *cols);
                list.extend(self.entries(args));
                let (name, generic) = match op {
                    Op::Zeros => ("zeros", "::<f64>"),
                    Op::Identity => ("identity", "::<f64>"),
                    _ => ("from_element", ""),
                };
                tight(format!(
                    "{}{generic}::{name}({})",
                    matrix_name(*rows, *cols),
                    list.join(", ")
                ))
            }
            Op::Build => self.build(args, ty, spelling),
            Op::Tuple => {
                let parts: Vec<String> = args.iter().map(|a| self.owned(a).0).collect();
                tight(format!("({})", parts.join(", ")))
            }
        }
    }

    fn with_numbers(&mut self, name: &str, of: &Expr, args: &[Expr], more: &[String]) -> Text {
        let definite = self.is_definite(of);
        let receiver = if definite {
            self.receiver(of)
        } else {
            self.number(of)
        };
        let mut list: Vec<String> = args.iter().map(|a| self.number(a)).collect();
        list.extend(more.iter().cloned());
        if definite {
            tight(format!("{receiver}.{name}({})", list.join(", ")))
        } else {
            list.insert(0, receiver);
            tight(format!("f64::{name}({})", list.join(", ")))
        }
    }

    fn with_reference(&mut self, name: &str, args: &[Expr]) -> Text {
        let of = self.receiver(&args[0]);
        let with = self.reference(&args[1]);
        tight(format!("{of}.{name}({with})"))
    }

    /// The entries of a matrix: where none tells what they are, the first does.
    fn entries(&mut self, args: &[Expr]) -> Vec<String> {
        let mut entries: Vec<String> = args.iter().map(|a| self.number(a)).collect();
        if let (Some(first @ Expr::Real(_)), false) =
            (args.first(), args.iter().any(|a| self.is_definite(a)))
        {
            entries[0] = format!("{}_f64", self.expr(first).0);
        }
        entries
    }

    fn build(&mut self, args: &[Expr], ty: &Type, spelling: u8) -> Text {
        let entries = self.entries(args);
        let list = entries.join(", ");
        let (rows, cols) = match ty {
            Type::Matrix(rows, cols) => (*rows, *cols),
            Type::List(List::Array, _) => return tight(format!("[{list}]")),
            Type::List(..) => return tight(format!("vec![{list}]")),
            other => unreachable!("{other:?} is not built of entries"),
        };
        let name = matrix_name(rows, cols);
        let by_rows = || {
            let rows: Vec<String> = entries
                .chunks(cols.size())
                .map(|row| row.join(", "))
                .collect();
            rows.join("; ")
        };
        let sizes = Self::sizes(rows, cols);
        tight(match (rows, cols, spelling % 3) {
            (Extent::Fixed(_), Extent::Fixed(1), 1) => format!("vector![{list}]"),
            (Extent::Fixed(1), Extent::Fixed(_), _) => format!("{name}::new({list})"),
            (Extent::Fixed(_), Extent::Fixed(_), 1) => format!("matrix![{}]", by_rows()),
            (Extent::Fixed(_), Extent::Fixed(_), 2) => {
                format!("{name}::from_row_slice(&[{list}])")
            }
            (Extent::Fixed(_), Extent::Fixed(_), _) => format!("{name}::new({list})"),
            (Extent::Dynamic(_), Extent::Fixed(_), 1) => format!("dvector![{list}]"),
            (Extent::Dynamic(_), Extent::Fixed(_), 2) => {
                format!("{name}::from_column_slice(&[{list}])")
            }
            (Extent::Dynamic(_), Extent::Fixed(_), _) | (Extent::Fixed(_), _, _) => {
                format!("{name}::from_vec(vec![{list}])")
            }
            (_, _, 1) => format!("dmatrix![{}]", by_rows()),
            _ => format!("{name}::from_row_slice({}, &[{list}])", sizes.join(", ")),
        })
    }
}

fn is_view_op(op: &Op) -> bool {
    matches!(
        op,
        Op::Row | Op::Column | Op::RowsFrom(_) | Op::ViewFrom(..)
    )
}

fn assignment(op: &Option<Op>) -> &'static str {
    match op {
        None => "=",
        Some(Op::Add) => "+=",
        Some(Op::Sub) => "-=",
        Some(Op::Mul) => "*=",
        Some(Op::Div) => "/=",
        Some(other) => unreachable!("no assignment with {other:?}"),
    }
}

fn pattern(arm: usize, arms: usize) -> String {
    if arm + 1 == arms {
        "_".into()
    } else {
        arm.to_string()
    }
}

fn unary_name(function: Unary) -> &'static str {
    match function {
        Unary::Sin => "sin",
        Unary::Cos => "cos",
        Unary::Tan => "tan",
        Unary::Asin => "asin",
        Unary::Acos => "acos",
        Unary::Atan => "atan",
        Unary::Sinh => "sinh",
        Unary::Cosh => "cosh",
        Unary::Tanh => "tanh",
        Unary::Asinh => "asinh",
        Unary::Acosh => "acosh",
        Unary::Atanh => "atanh",
        Unary::Exp => "exp",
        Unary::Exp2 => "exp2",
        Unary::ExpM1 => "exp_m1",
        Unary::Ln => "ln",
        Unary::Ln1p => "ln_1p",
        Unary::Log2 => "log2",
        Unary::Log10 => "log10",
        Unary::Sqrt => "sqrt",
        Unary::Cbrt => "cbrt",
        Unary::Recip => "recip",
        Unary::Abs => "abs",
        Unary::Signum => "signum",
        Unary::Floor => "floor",
        Unary::Fract => "fract",
        Unary::ToRadians => "to_radians",
    }
}

pub fn type_of(function: &Function, expr: &Expr) -> Type {
    match expr {
        Expr::Real(_) | Expr::IterSum { .. } | Expr::RangeSum(..) | Expr::Fold { .. } => Type::Real,
        Expr::Int(_) => Type::Int,
        Expr::Var(var) => function.variables[*var].ty.clone(),
        Expr::Apply(_, _, ty, _)
        | Expr::Map(_, _, _, ty)
        | Expr::FromFn(_, _, _, ty)
        | Expr::If(_, _, _, ty)
        | Expr::Match(_, _, ty)
        | Expr::Block(_, ty)
        | Expr::Call(_, _, ty) => ty.clone(),
    }
}
