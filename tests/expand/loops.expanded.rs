pub fn misfit_gradient(
    a: &Vector3<f64>,
    times: &[f64],
    heights: &[f64],
) -> Vector3<f64> {
    let mut a_bar = ::nalgrad::nalgebra::Vector3::<f64>::zeros();
    for (t, height) in times.iter().zip(heights) {
        let &t_1: &f64 = &t;
        let exp = (-a[1] * t_1).exp();
        let &height_1: &f64 = &height;
        let error = a[0] * exp + a[2] - height_1;
        a_bar[2] += error;
        a_bar[1] += -t_1 * a[0] * exp * error;
        a_bar[0] += error * exp;
    }
    a_bar
}

pub fn pendulum_gradient(angle: f64, length: f64, n: usize) -> (f64, f64) {
    let mut angle_1 = angle;
    let mut speed = 0.0;
    let mut steps = ::std::vec::Vec::new();
    for _ in 0..n {
        let sin = angle_1.sin();
        let speed_1 = speed - 0.01 * 9.81 / length * sin;
        steps.push((sin, angle_1.cos()));
        angle_1 += 0.01 * speed_1;
        speed = speed_1;
    }
    let mut angle_1_bar = 1.0;
    let mut speed_bar = 0.0;
    let mut length_bar = 0.0;
    for &(t, t_1) in steps.iter().rev() {
        let speed_1_bar = speed_bar + 0.01 * angle_1_bar;
        angle_1_bar -= t_1 * speed_1_bar * (0.01 * 9.81 / length);
        speed_bar = speed_1_bar;
        length_bar += 0.0981 * t * speed_1_bar / (length * length);
    }
    (angle_1_bar, length_bar)
}

pub fn sweep_jvp(x: &DVector<f64>, dx: &DVector<f64>) -> (DVector<f64>, DVector<f64>) {
    ::core::assert_eq!(dx.shape(), (x.len(), 1));
    let n = x.len();
    let mut x_1 = x.clone_owned();
    let mut dx_1 = dx.clone_owned();
    for i in 1..n {
        let i_1 = i - 1;
        let t = x_1[i_1];
        let t_1 = x_1[i];
        let t_2 = t * t_1;
        x_1[i] = t_2.sin();
        let t_3 = dx_1[i_1];
        let t_4 = dx_1[i];
        dx_1[i] = t_2.cos() * (t_1 * t_3 + t * t_4);
    }
    (x_1, dx_1)
}
