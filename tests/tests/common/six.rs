//! All derivatives of a function of six numbers.

/// Compares all derivatives of functions of six numbers with differences.
macro_rules! check {
    (at $points:expr; $($test:ident: $name:ident $gradient:ident $hessian:ident $jvp:ident $vjp:ident;)*) => {$(
        #[test]
        fn $test() {
            for x in $points {
                let (value, gradient) = $gradient(&x);
                assert_eq!(value.to_bits(), $name(&x).to_bits());
                let hessian = $hessian(&x);
                let direction = Vector6::new(0.3, -0.5, 0.2, 0.8, -0.1, 0.4);
                let (same, tangent) = $jvp(&x, &direction);
                assert_eq!(value.to_bits(), same.to_bits());
                assert_close(tangent, gradient.dot(&direction));
                assert_close(0.0, ($vjp(&x).1(2.0) - 2.0 * gradient).norm());
                for i in 0..6 {
                    let unit = Vector6::ith(i, 1.0);
                    assert_close(gradient[i], slope(|h| $name(&(x + unit * h))));
                    for j in 0..6 {
                        let second = slope(|h| $gradient(&(x + unit * h)).1[j]);
                        assert!(
                            (hessian[(i, j)] - second).abs() < 1e-7 * (1.0 + second.abs()),
                            "{i} {j} at {x}: {} {second}", hessian[(i, j)]
                        );
                    }
                }
            }
        }
    )*};
}
