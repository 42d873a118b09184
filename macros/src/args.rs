//! The attributes and their arguments: `#[gradient(wrt(w, b), crate = path)]`.

use crate::jacobian::Mode;
use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Ident, LitStr, Path, Token, parenthesized};

/// The attributes that write companions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Attribute {
    Gradient,
    Jacobian,
    Hessian,
    Jvp,
    Vjp,
    Hvp,
    Differentiable,
}

impl Attribute {
    pub const ALL: &'static [Attribute] = &[
        Attribute::Gradient,
        Attribute::Jacobian,
        Attribute::Hessian,
        Attribute::Jvp,
        Attribute::Vjp,
        Attribute::Hvp,
        Attribute::Differentiable,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Attribute::Gradient => "gradient",
            Attribute::Jacobian => "jacobian",
            Attribute::Hessian => "hessian",
            Attribute::Jvp => "jvp",
            Attribute::Vjp => "vjp",
            Attribute::Hvp => "hvp",
            Attribute::Differentiable => "differentiable",
        }
    }

    /// The attribute that a path names, by its last segment.
    pub fn of(path: &Path) -> Option<Attribute> {
        let last = path.segments.last()?;
        Attribute::ALL
            .iter()
            .copied()
            .find(|a| last.ident == a.name())
    }

    /// Whether the function must return a number.
    pub fn needs_scalar(self) -> bool {
        matches!(
            self,
            Attribute::Gradient | Attribute::Hessian | Attribute::Hvp
        )
    }

    /// What its companions are called in a message.
    pub fn noun(self) -> &'static str {
        match self {
            Attribute::Gradient => "the gradient",
            Attribute::Jacobian => "the Jacobian",
            Attribute::Hessian => "the Hessian",
            Attribute::Jvp => "the Jacobian-vector product",
            Attribute::Vjp => "the vector-Jacobian product",
            Attribute::Hvp => "the Hessian-vector product",
            Attribute::Differentiable => "the derivative",
        }
    }

    /// The arguments it knows besides `wrt(…)` and `crate = path`.
    fn options(self) -> &'static [&'static str] {
        match self {
            Attribute::Gradient => &["aux", "checkpoint", "checkpoint = n"],
            Attribute::Jacobian => &[
                "mode = forward",
                "mode = reverse",
                "checkpoint",
                "checkpoint = n",
            ],
            Attribute::Differentiable => &[
                "vjp = path",
                "jvp = path",
                "order = n",
                "module = false",
                "boxed",
                "checkpoint",
                "checkpoint = n",
            ],
            Attribute::Jvp => &[],
            _ => &["checkpoint", "checkpoint = n"],
        }
    }
}

/// The argument by which an attribute tells those below it that a mistake in the body has been reported.
pub const REPORTED: &str = "__reported";

/// The argument by which an attribute knows that its companions are to be callable: `#[differentiable]` is on the same
/// function.
pub const CALLABLE: &str = "__callable";

/// The same, where there is to be no module for them: in an `impl` block.
pub const CALLABLE_WITHOUT_MODULE: &str = "__callable_without_module";

/// What the argument starts with by which an attribute knows of the `order` of `#[differentiable]` on the same function.
pub const ORDER: &str = "__order_";

/// The argument by which a block asks for nothing: the attributes of its methods are in use.
pub const USED: &str = "__used";

/// At how many iterations of a loop its state is kept, from which those in between are computed again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Checkpoint {
    /// The square root of the number of iterations.
    SquareRoot,
    /// Once in this many iterations.
    Every(usize),
}

/// What the user asked for.
pub struct Args {
    /// The parameters to differentiate, in this order; all differentiable ones if absent.
    pub wrt: Option<Vec<Ident>>,
    /// The path of the crate `nalgrad`, as given and as used.
    pub given_crate: Option<Path>,
    pub krate: TokenStream,
    /// Whether only the first part of the result is differentiated.
    pub aux: bool,
    /// In which direction a Jacobian accumulates.
    pub mode: Mode,
    /// The user's own rules for calls.
    pub vjp: Option<Path>,
    pub jvp: Option<Path>,
    /// Up to which derivative calls are differentiated.
    pub order: usize,
    /// Whether the companions come along with the name of the function, in a module of that name.
    pub module: bool,
    /// Whether the pullbacks of calls have a type that does not depend on what the function calls.
    pub boxed: bool,
    /// How much of a loop is kept, with the argument that asks for it.
    pub checkpoint: Option<(Ident, Checkpoint)>,
    /// Whether the companions are called from functions that are differentiated.
    pub callable: bool,
    /// Whether the body is known to have a mistake.
    pub reported: bool,
    /// The other arguments by name, as none may be given twice.
    given: Vec<Ident>,
}

impl Default for Args {
    fn default() -> Self {
        Args {
            wrt: None,
            given_crate: None,
            krate: quote!(::nalgrad),
            aux: false,
            mode: Mode::Automatic,
            vjp: None,
            jvp: None,
            order: 2,
            module: true,
            boxed: false,
            checkpoint: None,
            callable: false,
            reported: false,
            given: Vec::new(),
        }
    }
}

impl Args {
    /// Reads the arguments of this attribute.
    pub fn parse(attribute: Attribute, tokens: TokenStream) -> syn::Result<Args> {
        let parser = |input: ParseStream| Args::parse_all(attribute, input);
        syn::parse::Parser::parse2(parser, tokens)
    }

    fn parse_all(attribute: Attribute, input: ParseStream) -> syn::Result<Self> {
        let mut args = Args::default();
        while !input.is_empty() {
            if input.peek(Token![crate]) {
                let key: Token![crate] = input.parse()?;
                input
                    .parse::<Token![=]>()
                    .map_err(|e| explain(&e, "a path: `crate = path`"))?;
                let path = parse_path(input)?;
                if args.given_crate.is_some() {
                    return Err(syn::Error::new_spanned(
                        key,
                        "`crate` is given twice\nhelp: keep one of them",
                    ));
                }
                args.krate = quote!(#path);
                args.given_crate = Some(path);
            } else {
                args.parse_option(attribute, input)?;
            }
            if !input.is_empty() {
                input
                    .parse::<Token![,]>()
                    .map_err(|e| explain(&e, "`,` between arguments"))?;
            }
        }
        if let (3.., Some(rule)) = (args.order, args.vjp.as_ref().or(args.jvp.as_ref())) {
            return Err(syn::Error::new_spanned(
                rule,
                "a rule of a function's own gives its first derivative only\nhelp: remove `order`, or the rules if the body can be differentiated",
            ));
        }
        Ok(args)
    }

    /// Whether nothing is given but the path of the crate.
    pub fn is_plain(&self) -> bool {
        self.given.is_empty() && self.wrt.is_none()
    }

    /// What an attribute below shares with this one: arguments to add to its own.
    pub fn shared(&self, below: &Args) -> Vec<TokenStream> {
        let mut shared = Vec::new();
        if let (Some(names), None) = (&self.wrt, &below.wrt) {
            shared.push(quote!(wrt(#(#names),*)));
        }
        if let (Some(path), None) = (&self.given_crate, &below.given_crate) {
            shared.push(quote!(crate = #path));
        }
        shared
    }
}

impl Args {
    /// An error if this argument was given before.
    fn once(&mut self, key: &Ident) -> syn::Result<()> {
        if self.given.iter().any(|given| given == key) {
            return Err(syn::Error::new_spanned(
                key,
                format!("`{key}` is given twice\nhelp: keep one of them"),
            ));
        }
        self.given.push(key.clone());
        Ok(())
    }

    fn parse_option(&mut self, attribute: Attribute, input: ParseStream) -> syn::Result<()> {
        let key: Ident = input
            .call(syn::ext::IdentExt::parse_any)
            .map_err(|e| explain(&e, "an argument: `wrt(…)` or `crate = path`"))?;
        match key.to_string().as_str() {
            "wrt" => {
                if self.wrt.is_some() {
                    return Err(syn::Error::new_spanned(
                        key,
                        "`wrt` is given twice\nhelp: name all parameters in one `wrt(…)`",
                    ));
                }
                if !input.peek(syn::token::Paren) {
                    return Err(syn::Error::new_spanned(
                        key,
                        "`wrt` needs the parameters to differentiate\nhelp: write `wrt(x)` or `wrt(x, y)`",
                    ));
                }
                let content;
                parenthesized!(content in input);
                let parse_name = |input: ParseStream| match input.parse::<Option<Token![self]>>()? {
                    Some(name) => Ok(Ident::new("self", name.span)),
                    None => input
                        .parse()
                        .map_err(|e| explain(&e, "the name of a parameter")),
                };
                let names =
                    Punctuated::<Ident, Token![,]>::parse_terminated_with(&content, parse_name)?;
                let names: Vec<Ident> = names.into_iter().collect();
                if names.is_empty() {
                    return Err(syn::Error::new_spanned(
                        key,
                        "`wrt()` names no parameter\nhelp: name one, or leave `wrt` out to differentiate by all",
                    ));
                }
                let mut repeated: Option<syn::Error> = None;
                for (i, name) in names.iter().enumerate() {
                    if names[..i].iter().any(|n| n.unraw() == name.unraw()) {
                        let error = syn::Error::new_spanned(
                            name,
                            format!("`{name}` is named twice in `wrt`\nhelp: remove one"),
                        );
                        match &mut repeated {
                            Some(all) => all.combine(error),
                            None => repeated = Some(error),
                        }
                    }
                }
                if let Some(error) = repeated {
                    return Err(error);
                }
                self.wrt = Some(names);
                Ok(())
            }
            REPORTED => {
                self.reported = true;
                Ok(())
            }
            CALLABLE => {
                self.callable = true;
                Ok(())
            }
            CALLABLE_WITHOUT_MODULE => {
                self.callable = true;
                self.module = false;
                Ok(())
            }
            order if order.starts_with(ORDER) => {
                let order = order.trim_start_matches(ORDER).parse();
                self.order = order.unwrap_or(self.order);
                Ok(())
            }
            "aux" if attribute.options().contains(&"aux") => {
                self.once(&key)?;
                self.aux = true;
                Ok(())
            }
            "mode" if attribute == Attribute::Jacobian => {
                self.once(&key)?;
                let mode: Ident = value_of(input, "`mode = forward` or `mode = reverse`")?;
                self.mode = match mode.to_string().as_str() {
                    "forward" => Mode::Forward,
                    "reverse" => Mode::Reverse,
                    _ => {
                        return Err(syn::Error::new_spanned(
                            &mode,
                            format!(
                                "unknown mode `{mode}`\nhelp: write `mode = forward` or `mode = reverse`, or leave it out: the cheaper one is taken"
                            ),
                        ));
                    }
                };
                Ok(())
            }
            "checkpoint" if attribute.options().contains(&"checkpoint") => {
                self.once(&key)?;
                let mut checkpoint = Checkpoint::SquareRoot;
                if input.peek(Token![=]) {
                    let value: syn::LitInt = value_of(input, "`checkpoint = 100`")?;
                    let every = value.base10_parse()?;
                    if every == 0 {
                        return Err(syn::Error::new_spanned(
                            value,
                            "`checkpoint = n` keeps the state of a loop once in `n` iterations\nhelp: write a number above 0, or `checkpoint` for the square root of the number of iterations",
                        ));
                    }
                    checkpoint = Checkpoint::Every(every);
                }
                self.checkpoint = Some((key, checkpoint));
                Ok(())
            }
            "module" if attribute == Attribute::Differentiable => {
                self.once(&key)?;
                let value: syn::LitBool = value_of(input, "`module = false`")?;
                self.module = value.value;
                Ok(())
            }
            "boxed" if attribute == Attribute::Differentiable => {
                self.once(&key)?;
                self.boxed = true;
                Ok(())
            }
            "order" if attribute == Attribute::Differentiable => {
                self.once(&key)?;
                let value: syn::LitInt = value_of(input, "`order = 3`")?;
                self.order = value.base10_parse()?;
                if self.order == 0 || self.order > 4 {
                    return Err(syn::Error::new_spanned(
                        value,
                        "calls are differentiated once, twice, three or four times\nhelp: write a number from `order = 1` to `order = 4`",
                    ));
                }
                Ok(())
            }
            name @ ("vjp" | "jvp") if attribute == Attribute::Differentiable => {
                self.once(&key)?;
                input
                    .parse::<Token![=]>()
                    .map_err(|e| explain(&e, &format!("a path: `{name} = path`")))?;
                let path = input
                    .call(Path::parse_mod_style)
                    .map_err(|e| explain(&e, &format!("a path: `{name} = path`")))?;
                let rule = if name == "vjp" {
                    &mut self.vjp
                } else {
                    &mut self.jvp
                };
                *rule = Some(path);
                Ok(())
            }
            other => {
                let mut known = vec!["`wrt(…)`".to_string()];
                known.extend(attribute.options().iter().map(|o| format!("`{o}`")));
                let what = match other {
                    "aux" => "`aux` is an argument of `#[gradient]`".to_string(),
                    "mode" => "`mode` is an argument of `#[jacobian]`".to_string(),
                    "order" | "vjp" | "jvp" | "module" | "boxed" => {
                        format!("`{other}` is an argument of `#[differentiable]`")
                    }
                    "checkpoint" => {
                        "`checkpoint` is for reverse sweeps: a tangent goes along with its value and keeps nothing".to_string()
                    }
                    _ => format!("unknown argument `{other}`"),
                };
                let message = format!(
                    "{what}\nhelp: known arguments are {} and `crate = path`",
                    known.join(", ")
                );
                Err(syn::Error::new_spanned(key, message))
            }
        }
    }
}

/// What follows `name =`.
fn value_of<T: syn::parse::Parse>(input: ParseStream, example: &str) -> syn::Result<T> {
    input
        .parse::<Token![=]>()
        .map_err(|e| explain(&e, example))?;
    input.parse().map_err(|e: syn::Error| explain(&e, example))
}

/// A path, or one in a string, as serde has it.
fn parse_path(input: ParseStream) -> syn::Result<Path> {
    if input.peek(syn::LitStr) {
        let text: LitStr = input.parse()?;
        return text.parse_with(Path::parse_mod_style).map_err(|_| {
            syn::Error::new_spanned(
                &text,
                format!(
                    "`{}` is not a path\nhelp: write `crate = \"::path::to::nalgrad\"`",
                    text.value()
                ),
            )
        });
    }
    input
        .call(Path::parse_mod_style)
        .map_err(|e| explain(&e, "a path: `crate = path`"))
}

fn explain(error: &syn::Error, expected: &str) -> syn::Error {
    syn::Error::new(error.span(), format!("expected {expected}"))
}
