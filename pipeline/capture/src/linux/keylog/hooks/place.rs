//! Where the probe of a function goes: at its first instruction, or at one soon after it that the
//! kernel emulates, while arguments and stack are as the caller left them.

use std::ops::RangeInclusive;

use abi::hooks::kind;
use iced_x86::{FlowControl, Instruction, Mnemonic};

use super::super::anchor::Register;
use super::super::bytes::{Bytes, read};
use super::super::code::{Program, is_emulated, written};
use super::super::image::Image;
use super::functions::{FUNCTIONS, Row, is_c_library};

/// Instructions looked at for one that is emulated.
const INSTRUCTIONS_MAX: usize = 12;
/// Bytes of code by which the place is known again.
const CODE_BYTES: usize = 16;

/// A place for a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The function.
    pub function: &'static str,
    /// Offset in the file.
    pub offset: u64,
    /// See [`abi::hooks::kind`].
    pub kind: u64,
    /// The code from there on.
    pub code: Vec<u8>,
}

impl Spot {
    /// True if the function has a return that is waited for.
    pub const fn returns(&self) -> bool {
        matches!(self.kind & 3, kind::READ | kind::WRITE)
    }

    /// True if the file has the same code there still.
    pub fn still_holds(&self, bytes: &dyn Bytes) -> bool {
        !self.code.is_empty() && read(bytes, self.offset, self.code.len()) == self.code
    }
}

/// Every place in a file of that path. None where a TLS library gives no plaintext or takes none.
pub fn spots(bytes: &dyn Bytes, path: &str) -> Vec<Spot> {
    let Some(image) = Image::new(bytes) else { return Vec::new() };
    let names: Vec<&[u8]> = FUNCTIONS.iter().map(|row| row.name.as_bytes()).collect();
    let addresses = image.named(&names);
    let has = |name: &str| {
        let mut all = FUNCTIONS.iter().zip(&addresses);
        all.any(|(row, address)| row.name == name && *address != 0)
    };
    let program = Program { image: &image, go: None };
    let found: Vec<Spot> = FUNCTIONS
        .iter()
        .zip(&addresses)
        .filter(|(row, address)| **address != 0 && !has(row.unless))
        .filter_map(|(row, address)| spot(&program, row, *address))
        .collect();
    let both = [kind::READ, kind::WRITE];
    let is_engine = both.iter().all(|way| found.iter().any(|spot| spot.kind & 3 == *way));
    // A program that has an engine within has its C library within, too.
    let is_wanted = |spot: &Spot| match spot.kind {
        kind::SOCKET => is_engine || is_c_library(path),
        _ => is_engine,
    };
    found.into_iter().filter(is_wanted).collect()
}

fn spot(program: &Program<'_>, row: &Row, start: u64) -> Option<Spot> {
    if !program.is_function(start) {
        return None;
    }
    let end = program.proven(start)?.1;
    let all = program.instructions(start, end - start);
    let address = chosen(&all)?;
    let code = program.image.code(address, CODE_BYTES)?;
    let offset = program.image.offset_of(address)?;
    Some(Spot { function: row.name, offset, kind: row.kind, code })
}

/// The first instruction that is emulated, if nothing before it matters, else the first of all.
fn chosen(all: &[Instruction]) -> Option<u64> {
    let first = all.first()?.ip();
    let near = all.iter().take(INSTRUCTIONS_MAX);
    let found = near.take_while(|i| is_emulated(i) || leaves_arguments(i)).find(|i| is_emulated(i));
    let Some(found) = found.map(Instruction::ip).filter(|found| *found != first) else {
        return Some(first);
    };
    // Where a loop leads back to, the probe would fire more than once a call.
    Some(if all.iter().any(|i| is_jump_within(i, first..=found)) { first } else { found })
}

fn is_jump_within(instruction: &Instruction, range: RangeInclusive<u64>) -> bool {
    matches!(
        instruction.flow_control(),
        FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch
    ) && range.contains(&instruction.near_branch_target())
}

/// True if the arguments and the stack are the same after it. Only what is known to stand at the
/// beginning of functions; anything else ends the search.
fn leaves_arguments(instruction: &Instruction) -> bool {
    use Register as R;
    match instruction.mnemonic() {
        Mnemonic::Endbr64 | Mnemonic::Nop | Mnemonic::Cmp | Mnemonic::Test => true,
        Mnemonic::Mov | Mnemonic::Lea | Mnemonic::Xor => {
            let kept = [R::Rdi, R::Rsi, R::Rdx, R::Rcx, R::R8, R::R9, R::Rsp];
            written(instruction).is_some_and(|register| !kept.contains(&register))
        }
        _ => false,
    }
}
