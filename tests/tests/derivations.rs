//! The derivation in the documentation of every companion, word for word.
//!
//! What is expected is written by hand, after T. Parr and J. Howard, "The Matrix Calculus You Need For Deep Learning"
//! (arXiv 1802.01528v3): its four steps, its notation, and its numerator layout. A difference of the notation is that a
//! gradient is transposed in the end, since it has the shape of its parameter.

use nalgrad_tests::args::Attribute;
use nalgrad_tests::companion::expand;

/// "Review: scalar derivative rules", the row of the chain rule: d/dx ln(x²) = 1/x² · 2x = 2/x, with u = x². The same
/// function in four steps is in "Vector chain rule", where it is the first entry.
const P7: &str = "
y = p7(x), x ∈ ℝ

1. Introduce intermediate variables
   u₁ = x²
   y  = ln(u₁)

2. Compute derivatives
   du₁/dx = 2x        power rule
   dy/du₁ = 1/u₁      derivative of ln

3. Combine: single-variable chain rule
   dy/dx = dy/du₁ du₁/dx
         = 1/u₁ · 2x

4. Substitute
   dy/dx = 2/x
";

/// "Single-variable chain rule", the nested example y = ln(sin(x³)²): u₁ = x³, u₂ = sin(u₁), u₃ = u₂², and u₄ = ln(u₃),
/// which is y; dy/dx = 1/u₃ · 2u₂ · cos(u₁) · 3x² = 6x² cos(x³)/sin(x³).
const P43: &str = "
y = p43(x), x ∈ ℝ

1. Introduce intermediate variables
   u₁ = x³
   u₂ = sin(u₁)
   u₃ = u₂²
   y  = ln(u₃)

2. Compute derivatives
   du₁/dx  = 3x²          power rule
   du₂/du₁ = cos(u₁)      derivative of sin
   du₃/du₂ = 2u₂          power rule
   dy/du₃  = 1/u₃         derivative of ln

3. Combine: single-variable chain rule
   dy/dx = dy/du₃ du₃/du₂ du₂/du₁ du₁/dx
         = 1/u₃ · 2u₂ · cos(u₁) · 3x²

4. Substitute
   dy/dx = 6x² cos(x³)/sin(x³)
";

/// "Single-variable total-derivative chain rule", f(x) = sin(x + x²): u₁ = x², u₂ = x + u₁, u₃ = sin(u₂), which is y;
/// ∂u₂/∂x = 1 + 2x by the law of total derivatives, and ∂f/∂x = cos(x + x²)(1 + 2x).
const P45: &str = "
y = p45(x), x ∈ ℝ

1. Introduce intermediate variables
   u₁ = x²
   u₂ = x + u₁
   y  = sin(u₂)

2. Compute derivatives
   ∂u₁/∂x  = 2x           power rule
   ∂u₂/∂x  = 1            sum rule
   ∂u₂/∂u₁ = 1            sum rule
   ∂y/∂u₂  = cos(u₂)      derivative of sin

3. Combine: single-variable total-derivative chain rule
   dy/dx = ∂y/∂u₂ (∂u₂/∂x + ∂u₂/∂u₁ ∂u₁/∂x)
         = cos(u₂) · (1 + 2x)

4. Substitute
   dy/dx = cos(x + x²) (1 + 2x)
";

/// "Vector chain rule": ∂f/∂x = ∂f/∂g ∂g/∂x, here m×k times k×n. The function is ours, as the paper leaves f and g open:
/// f is entry by entry but for a factor that is one entry of g, so that ∂f/∂g is a diagonal and one column; the
/// derivative by the scalar is that of "Derivatives involving scalar expansion".
const P49: &str = "
y = p49(x), x ∈ ℝⁿ; fixed: a ∈ ℝᵐˣⁿ

1. Introduce intermediate variables
   g  = a x         ∈ ℝᵐ
   u₁ = sin(g)      ∈ ℝᵐ
   u₂ = g[0]        ∈ ℝ
   y  = u₂ u₁       ∈ ℝᵐ

2. Compute derivatives
   ∂g/∂x  = a                 product rule
   ∂u₁/∂g = diag(cos(g))      derivative of sin, diagonal
   ∂u₂/∂g = e[0]ᵀ             one entry: a unit vector
   ∂y/∂u₁ = u₂ I              product rule, diagonal
   ∂y/∂u₂ = u₁                product rule, scalar expansion

3. Combine: vector chain rule, with total derivatives
   ∂y/∂x = (∂y/∂u₁ ∂u₁/∂g + ∂y/∂u₂ ∂u₂/∂g) ∂g/∂x
         = (u₂ I · diag(cos(g)) + u₁ · e[0]ᵀ) · a

4. Substitute
   ∂y/∂x = (a x)[0] diag(cos(a x)) a + sin(a x) a[0, ..]      ∈ ℝᵐˣⁿ
";

/// "The gradient of neuron activation", the broadcast max(0, x), whose derivative by xᵢ is 0 where xᵢ ≤ 0 and dxᵢ/dxᵢ = 1
/// where xᵢ > 0. The paper prints these as a vector; they are the diagonal of the Jacobian ("Derivatives of vector
/// element-wise binary operators").
const P58: &str = "
y = p58(x), x ∈ ℝⁿ

1. Introduce intermediate variables
   y = max(0, x)      ∈ ℝⁿ

2. Compute derivatives
   ∂y/∂x = diag({1 if x > 0, else 0})      derivative of max, diagonal

3. Combine: nothing, as there is one operation

4. Substitute
   ∂y/∂x = diag({1 if x > 0, else 0})      ∈ ℝⁿˣⁿ
";

/// "The gradient of the neural network loss function": u = max(0, w·xᵢ + b), v = yᵢ − u, C = 1/N Σ v², there for each
/// sample, here for all of them at once; ∂u/∂w by cases, ∂v/∂w = −∂u/∂w, ∂C/∂w = 1/N Σ 2v ∂v/∂w, and in the end
/// 2/N Σ (w·xᵢ + b − yᵢ) xᵢᵀ over the samples with w·xᵢ + b > 0. y is the targets, so the result is called by its name.
const P63: &str = "
p63(w), w ∈ ℝᵐ; fixed: b ∈ ℝ, x ∈ ℝⁿˣᵐ, y ∈ ℝⁿ

1. Introduce intermediate variables
   u₁  = x w            ∈ ℝⁿ
   z   = u₁ + b         ∈ ℝⁿ
   u₂  = max(0, z)      ∈ ℝⁿ
   u₃  = y − u₂         ∈ ℝⁿ
   u₄  = ‖u₃‖²          ∈ ℝ
   p63 = u₄/n           ∈ ℝ

2. Compute derivatives
   ∂u₁/∂w   = x                               product rule
   ∂z/∂u₁   = I                               sum rule, diagonal
   ∂u₂/∂z   = diag({1 if z > 0, else 0})      derivative of max, diagonal
   ∂u₃/∂u₂  = −I                              difference rule, diagonal
   ∂u₄/∂u₃  = 2u₃ᵀ                            vector sum reduction of squares
   ∂p63/∂u₄ = 1/n                             multiplication by constant rule

3. Combine: vector chain rule
   ∂p63/∂w = ∂p63/∂u₄ ∂u₄/∂u₃ ∂u₃/∂u₂ ∂u₂/∂z ∂z/∂u₁ ∂u₁/∂w
           = 1/n · 2u₃ᵀ · (−I) · diag({1 if z > 0, else 0}) · x

4. Substitute, and transpose to the shape of the parameter
   (∂p63/∂w)ᵀ = xᵀ {2(x w + b − y)/n if x w + b > 0, else 0}      ∈ ℝᵐ
";

/// Where the paper sends its reader next: ‖a x − b‖² has the gradient 2aᵀ(a x − b) and the Hessian 2aᵀa, which is the
/// Jacobian of the gradient ("Generalization of the Jacobian").
const P86: &str = "
y = p86(x), x ∈ ℝⁿ; fixed: a ∈ ℝᵐˣⁿ, b ∈ ℝᵐ

1. Introduce intermediate variables
   u₁ = a x         ∈ ℝᵐ
   u₂ = u₁ − b      ∈ ℝᵐ
   y  = ‖u₂‖²       ∈ ℝ

2. Compute derivatives
   ∂u₁/∂x  = a         product rule
   ∂u₂/∂u₁ = I         difference rule, diagonal
   ∂y/∂u₂  = 2u₂ᵀ      vector sum reduction of squares

3. Combine: vector chain rule
   ∂y/∂x = ∂y/∂u₂ ∂u₂/∂u₁ ∂u₁/∂x
         = 2u₂ᵀ · a

4. Substitute, and transpose to the shape of the parameter
   (∂y/∂x)ᵀ = 2aᵀ (a x − b)      ∈ ℝⁿ

5. Differentiate the gradient once more
   ∂²y/∂x² = 2aᵀ a      ∈ ℝⁿˣⁿ
";

/// The documentation of the first companion of a function.
fn documentation(attribute: Attribute, arguments: &str, source: &str) -> String {
    let tokens = expand(
        attribute,
        arguments.parse().expect("arguments"),
        source.parse().expect("a function"),
    );
    let file = syn::parse2::<syn::File>(tokens).expect("what is written parses");
    let Some(syn::Item::Fn(companion)) = file.items.get(1) else {
        panic!("`{source}` is refused");
    };
    let lines = companion.attrs.iter().filter_map(|attr| match &attr.meta {
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

/// What stands in the block of a derivation.
fn block(documentation: &str) -> String {
    let (_, text) = documentation
        .split_once("# Derivation\n\n```text")
        .expect("a derivation");
    text.strip_suffix("```")
        .expect("the end of the block")
        .to_string()
}

#[track_caller]
fn assert_derivation(attribute: Attribute, arguments: &str, source: &str, expected: &str) {
    let found = block(&documentation(attribute, arguments, source));
    assert!(found == expected, "found:{found}expected:{expected}");
}

#[test]
fn p7_is_derived_as_in_the_paper() {
    let source = "fn p7(x: f64) -> f64 { x.powi(2).ln() }";
    assert_derivation(Attribute::Gradient, "", source, P7);
}

#[test]
fn p43_is_derived_as_in_the_paper() {
    let source = "fn p43(x: f64) -> f64 { x.powi(3).sin().powi(2).ln() }";
    assert_derivation(Attribute::Gradient, "", source, P43);
}

#[test]
fn p45_is_derived_as_in_the_paper() {
    let source = "fn p45(x: f64) -> f64 { (x + x.powi(2)).sin() }";
    assert_derivation(Attribute::Gradient, "", source, P45);
}

#[test]
fn p49_is_derived_as_in_the_paper() {
    let source = "fn p49(a: &DMatrix<f64>, x: &DVector<f64>) -> DVector<f64> {
        let g = a * x;
        g.map(|g| g.sin()) * g[0]
    }";
    assert_derivation(Attribute::Jacobian, "wrt(x)", source, P49);
}

#[test]
fn p58_is_derived_as_in_the_paper() {
    let source = "fn p58(x: &DVector<f64>) -> DVector<f64> { x.map(|x| x.max(0.0)) }";
    assert_derivation(Attribute::Jacobian, "", source, P58);
}

#[test]
fn p63_is_derived_as_in_the_paper() {
    let source = "fn p63(w: &DVector<f64>, b: f64, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
        let z = (x * w).add_scalar(b);
        (y - z.map(|z| z.max(0.0))).norm_squared() / y.len() as f64
    }";
    assert_derivation(Attribute::Gradient, "wrt(w)", source, P63);
}

#[test]
fn p86_is_derived_as_in_the_paper() {
    let source = "fn p86(a: &DMatrix<f64>, x: &DVector<f64>, b: &DVector<f64>) -> f64 {
        (a * x - b).norm_squared()
    }";
    assert_derivation(Attribute::Hessian, "wrt(x)", source, P86);
}

/// Where matrices vary, derivatives are differentials. That of the inverse follows from A A⁻¹ = I.
const P84: &str = "
y = p84(x), x ∈ ℝⁿˣⁿ; fixed: a ∈ ℝⁿˣⁿ

1. Introduce intermediate variables
   u₁ = x⁻¹         ∈ ℝⁿˣⁿ
   u₂ = u₁ a        ∈ ℝⁿˣⁿ
   y  = tr(u₂)      ∈ ℝ

2. Compute differentials
   du₁ = −u₁ dx u₁      differential of the inverse
   du₂ = du₁ a          product rule
   dy  = tr(du₂)        trace, linear

3. Combine, from the last to the first: dy = ⟨∂y/∂u, du⟩ for each u
   ∂y/∂u₂ = I
   ∂y/∂u₁ = ∂y/∂u₂ aᵀ
   ∂y/∂x  = −u₁ᵀ ∂y/∂u₁ u₁ᵀ

4. Substitute
   ∂y/∂x = −x⁻ᵀ aᵀ x⁻ᵀ      ∈ ℝⁿˣⁿ
";

#[test]
fn p84_is_derived_by_differentials() {
    let source = "fn p84(x: &DMatrix<f64>, a: &DMatrix<f64>) -> f64 {
        (x.clone().try_inverse().unwrap() * a).trace()
    }";
    assert_derivation(Attribute::Gradient, "wrt(x)", source, P84);
}

#[test]
fn branches_are_derived_on_the_side_taken() {
    let source = "fn leaky(z: f64) -> f64 { if z > 0.0 { z } else { 0.1 * z } }";
    let text = documentation(Attribute::Gradient, "", source);
    assert!(text.contains("   y  = {z if z > 0, else u₁}\n"), "{text}");
    assert!(text.contains("∂y/∂u₁ = {0 if z > 0, else 1}      on the side taken\n"));
    assert!(text.ends_with("dy/dz = {1 if z > 0, else 0.1}\n```"));
}

#[test]
fn tangents_cotangents_and_directions_have_results_of_their_own() {
    let source = "fn f(x: &Vector3<f64>, a: &Matrix3<f64>) -> f64 { (a * x).norm_squared() }";
    let last = |attribute| {
        let text = block(&documentation(attribute, "wrt(x)", source));
        text.lines().last().expect("a line").trim().to_string()
    };
    assert_eq!(last(Attribute::Gradient), "(∂y/∂x)ᵀ = 2aᵀ a x      ∈ ℝ³");
    assert_eq!(last(Attribute::Jvp), "dy = 2((a x) · (a dx))      ∈ ℝ");
    assert_eq!(last(Attribute::Vjp), "x_bar = 2 y_bar aᵀ a x      ∈ ℝ³");
    assert_eq!(last(Attribute::Hvp), "d(∂y/∂x)ᵀ = 2aᵀ a dx      ∈ ℝ³");
}

#[test]
fn calls_are_derived_by_the_derivatives_of_what_is_called() {
    let source = "fn g(x: f64) -> f64 { let z: f64 = f(x * x); z.sin() }";
    let text = documentation(Attribute::Gradient, "", source);
    assert!(
        text.contains("dz/du₁ = f′(u₁)      derived with the function called\n"),
        "{text}"
    );
}

#[test]
fn a_result_that_does_not_vary_has_a_derivative_of_zero() {
    let text = documentation(Attribute::Gradient, "", "fn p1(x: f64) -> f64 { 99.0 }");
    assert!(
        text.ends_with("dy/dx = 0      constant rule\n```"),
        "{text}"
    );
}

/// Names of the user's stand for themselves: none of the derivation's own is confused with them.
#[test]
fn names_are_told_apart() {
    let source = "fn e(u1: f64, y: f64) -> f64 { let e = u1.exp(); (e * y).sin() * y }";
    let text = block(&documentation(Attribute::Gradient, "", source));
    assert!(
        text.starts_with("\nresult = e(u1, y), u1 ∈ ℝ, y ∈ ℝ\n"),
        "{text}"
    );
    assert!(
        text.contains("   e      = exp(u1)\n   u₂     = e y\n"),
        "{text}"
    );
}

#[test]
fn long_derivations_are_cut_to_a_screenful() {
    let mut body = "let v0 = a * x;".to_string();
    for i in 1..200 {
        let last = i - 1;
        body += &match i % 3 {
            0 => format!("let v{i} = a * &v{last} + x;"),
            1 => format!("let v{i} = v{last}.map(|z| z.tanh()) + &v{};", i / 2),
            _ => format!("let v{i} = &v{last} * v{}.dot(x);", i / 2),
        };
    }
    let source =
        format!("fn long(a: &DMatrix<f64>, x: &DVector<f64>) -> f64 {{ {body} v199.sum() }}");
    for arguments in ["wrt(x)", "wrt(a)"] {
        let text = documentation(Attribute::Gradient, arguments, &source);
        assert!(text.lines().count() < 60, "{text}");
        assert!(text.contains("more, left out here\n"), "{text}");
        assert!(text.contains("too long to be read here"), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() < 100),
            "{text}"
        );
    }
}
