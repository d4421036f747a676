//! Which keys lie bare somewhere in memory, as a Bloom filter: a key that a secret gives is in use
//! only if it is there too, and that is asked before anything dearer is tried.

/// Bits, 4 MiB of them: a million windows are 9 % of the bits, and a wrong yes is one in 1,600.
const BITS: usize = 1 << 25;
const PROBES: u32 = 3;

/// The set, of hashes.
pub(super) struct Resident(Vec<u64>);

impl Resident {
    pub(super) fn new() -> Self {
        Self(vec![0; BITS / 64])
    }

    pub(super) fn insert(&mut self, hash: u64) {
        for bit in probes(hash) {
            if let Some(word) = self.0.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
        }
    }

    pub(super) fn contains(&self, hash: u64) -> bool {
        probes(hash).all(|bit| self.0.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1))
    }
}

fn probes(hash: u64) -> impl Iterator<Item = usize> {
    let (first, step) = (hash as u32, (hash >> 32) as u32 | 1);
    (0..PROBES).map(move |n| first.wrapping_add(n.wrapping_mul(step)) as usize % BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_there_and_little_else() {
        let mut set = Resident::new();
        let hash = |n: u64| n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
        (0..100_000).for_each(|n| set.insert(hash(n)));
        assert!((0..100_000).all(|n| set.contains(hash(n))));
        let wrong = (100_000..200_000).filter(|n| set.contains(hash(*n))).count();
        assert!(wrong < 50, "{wrong}");
    }
}
