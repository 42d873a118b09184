pub fn log_sum_exp_gradient<T: RealField + Copy, const N: usize>(
    x: &SVector<T, N>,
) -> SVector<T, N> {
    let top = x.max();
    let exp = x.map(|x| (x - top).exp());
    let total = exp.sum();
    exp / total
}

pub fn log_sum_exp_value_and_gradient<T: RealField + Copy, const N: usize>(
    x: &SVector<T, N>,
) -> (T, SVector<T, N>) {
    let top = x.max();
    let exp = x.map(|x| (x - top).exp());
    let total = exp.sum();
    (total.ln() + top, exp / total)
}
