//! The cheapest values that separate what is wanted from what cannot be computed again: a minimal cut, by the flow that
//! it limits (Ford & Fulkerson, "Maximal flow through a network", 1956; shortest paths first as Edmonds & Karp do).

/// A value that might be kept.
pub struct Candidate {
    pub cost: u32,
    /// The candidates that it is computed from.
    pub from: Vec<usize>,
    /// Whether it cannot be computed again.
    pub is_source: bool,
    pub is_wanted: bool,
}

/// A network: edges in pairs, there and back, with what may still flow through them.
struct Network {
    edges: Vec<(usize, u32)>,
    leaving: Vec<Vec<usize>>,
}

impl Network {
    fn connect(&mut self, from: usize, to: usize, capacity: u32) {
        self.leaving[from].push(self.edges.len());
        self.edges.push((to, capacity));
        self.leaving[to].push(self.edges.len());
        self.edges.push((from, 0));
    }

    /// Lets as much flow along a shortest path as it allows; whether there was one.
    fn augment(&mut self, start: usize, end: usize) -> bool {
        let mut through: Vec<Option<usize>> = vec![None; self.leaving.len()];
        let mut queue = vec![start];
        let mut next = 0;
        while let Some(&at) = queue.get(next) {
            next += 1;
            for &edge in &self.leaving[at] {
                let (to, capacity) = self.edges[edge];
                if capacity > 0 && to != start && through[to].is_none() {
                    through[to] = Some(edge);
                    queue.push(to);
                }
            }
        }
        let mut path = Vec::new();
        let mut at = end;
        while let Some(edge) = through[at] {
            path.push(edge);
            at = self.edges[edge ^ 1].0;
        }
        let Some(least) = path.iter().map(|edge| self.edges[*edge].1).min() else {
            return false;
        };
        for edge in path {
            self.edges[edge].1 -= least;
            self.edges[edge ^ 1].1 += least;
        }
        true
    }

    /// From where something could still flow to the end.
    fn reaching(&self, end: usize) -> Vec<bool> {
        let mut reaching = vec![false; self.leaving.len()];
        reaching[end] = true;
        let mut pending = vec![end];
        while let Some(at) = pending.pop() {
            for &edge in &self.leaving[at] {
                let from = self.edges[edge].0;
                if self.edges[edge ^ 1].1 > 0 && !reaching[from] {
                    reaching[from] = true;
                    pending.push(from);
                }
            }
        }
        reaching
    }
}

/// The numbers of the values to be kept; of several cheapest choices that which is computed latest.
pub fn least(candidates: &[Candidate]) -> Vec<usize> {
    let (start, end) = (2 * candidates.len(), 2 * candidates.len() + 1);
    let mut network = Network {
        edges: Vec::new(),
        leaving: vec![Vec::new(); end + 1],
    };
    for (k, candidate) in candidates.iter().enumerate() {
        network.connect(2 * k, 2 * k + 1, candidate.cost);
        if candidate.is_source {
            network.connect(start, 2 * k, u32::MAX / 2);
        }
        if candidate.is_wanted {
            network.connect(2 * k + 1, end, u32::MAX / 2);
        }
        for from in &candidate.from {
            network.connect(2 * from + 1, 2 * k, u32::MAX / 2);
        }
    }
    while network.augment(start, end) {}
    let reaching = network.reaching(end);
    let is_cut = |k: &usize| !reaching[2 * k] && reaching[2 * k + 1];
    (0..candidates.len()).filter(is_cut).collect()
}
