//! Whether voxels around a voxel touch each other there: the local test of whether a cell stays in one piece.
//!
//! The 26 voxels that touch a voxel are bits of a word, in raster order; those of a cell are flooded from the first.
//! Cost: some twenty operations on words.

/// For each of the 26 voxels around another, those of them that touch it.
const TOUCHING: [u32; 26] = touching();

/// The number of a step among the 26, in raster order.
pub(super) const fn number([z, y, x]: [i8; 3]) -> usize {
    let code = ((z + 1) * 9 + (y + 1) * 3 + x + 1) as usize;
    // The middle is not counted.
    code - (code > 13) as usize
}

const fn touching() -> [u32; 26] {
    let mut touching = [0; 26];
    let mut a = 0;
    while a < 27 {
        let mut b = 0;
        while b < 27 {
            let (of, to) = ([a / 9, a / 3 % 3, a % 3], [b / 9, b / 3 % 3, b % 3]);
            let near = close(of[0], to[0]) && close(of[1], to[1]) && close(of[2], to[2]);
            if a != 13 && b != 13 && a != b && near {
                touching[(a - (a > 13) as i8) as usize] |= 1 << (b - (b > 13) as i8);
            }
            b += 1;
        }
        a += 1;
    }
    touching
}

const fn close(a: i8, b: i8) -> bool {
    (a - b).abs() <= 1
}

/// Whether these voxels are in one piece, among themselves; none are.
pub(super) fn is_one_piece(voxels: u32) -> bool {
    let (mut reached, mut front) = (0, voxels & voxels.wrapping_neg());
    while front != 0 {
        reached |= front;
        let mut next = 0;
        while front != 0 {
            next |= TOUCHING[front.trailing_zeros() as usize];
            front &= front - 1;
        }
        front = next & voxels & !reached;
    }
    reached == voxels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_those_of_a_walk_over_places() {
        let steps: Vec<[i8; 3]> = (0..27i8)
            .map(|code| [code / 9 - 1, code / 3 % 3 - 1, code % 3 - 1])
            .filter(|step| *step != [0; 3])
            .collect();
        assert!(steps.iter().enumerate().all(|(at, step)| number(*step) == at));
        for seed in 0..20_000u32 {
            let voxels =
                seed.wrapping_mul(0x9e37_79b9) & (seed | seed << 11).wrapping_mul(0x85eb_ca6b) & ((1 << 26) - 1);
            let mut left: Vec<[i8; 3]> = (0..26).filter(|at| voxels >> at & 1 == 1).map(|at| steps[at]).collect();
            let mut walked = left.pop().into_iter().collect::<Vec<_>>();
            while let Some(from) = walked.pop() {
                let near = |to: &[i8; 3]| (0..3).all(|axis| (from[axis] - to[axis]).abs() <= 1);
                walked.extend(left.iter().filter(|to| near(to)));
                left.retain(|to| !near(to));
            }
            assert_eq!(is_one_piece(voxels), left.is_empty(), "{voxels:026b}");
        }
    }
}
