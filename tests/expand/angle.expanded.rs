pub fn angle_gradient(
    a: Vector3<f64>,
    b: Vector3<f64>,
    c: Vector3<f64>,
) -> (Vector3<f64>, Vector3<f64>, Vector3<f64>) {
    let u = a - b;
    let v = c - b;
    let t = u.cross(&v);
    let norm = t.norm();
    let t_1 = u.dot(&v);
    let t_2 = t_1 * t_1 + norm * norm;
    let t_3 = norm / t_2;
    let t_4 = t_1 * ::nalgrad::__private::recip_or_zero(norm) / t_2;
    let t_5 = t * t_4;
    let v_bar = t_5.cross(&u) - u * t_3;
    let u_bar = v.cross(&t_5) - v * t_3;
    (u_bar, -(v_bar + u_bar), v_bar)
}

pub fn angle_value_and_gradient(
    a: Vector3<f64>,
    b: Vector3<f64>,
    c: Vector3<f64>,
) -> (f64, (Vector3<f64>, Vector3<f64>, Vector3<f64>)) {
    let u = a - b;
    let v = c - b;
    let t = u.cross(&v);
    let norm = t.norm();
    let t_1 = u.dot(&v);
    let t_2 = t_1 * t_1 + norm * norm;
    let t_3 = norm / t_2;
    let t_4 = t_1 * ::nalgrad::__private::recip_or_zero(norm) / t_2;
    let t_5 = t * t_4;
    let v_bar = t_5.cross(&u) - u * t_3;
    let u_bar = v.cross(&t_5) - v * t_3;
    (norm.atan2(t_1), (u_bar, -(v_bar + u_bar), v_bar))
}
