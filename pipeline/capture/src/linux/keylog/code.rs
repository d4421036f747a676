//! Instructions: proof that an address begins one, and the call that a reference leads to.
//!
//! A breakpoint inside an instruction kills the process, so nothing is believed that was not
//! decoded from the beginning of its function.

use iced_x86::{Code, Decoder, DecoderOptions, FlowControl, Instruction, OpKind, Register};

use super::anchor;
use super::golang::GoTable;
use super::image::Image;

/// Longest function decoded. The longest of a TLS library have some ten thousand bytes.
const FUNCTION_BYTES_MAX: u64 = 256 * 1024;
/// Without a table of functions the beginning is looked for so far back.
const SEARCH_BYTES_MAX: u64 = 32 * 1024;
/// Beginnings from which the decoding must agree, where they can only be guessed.
const BEGINNINGS: usize = 3;
/// Where not even that is known, decoding begins at each of the bytes so far back, to half of it.
const STARTS_BYTES: u64 = 256;
/// How many of these 128 must come by, and how many may pass by: a start within an instruction may
/// take a long way round, or come upon bytes that are no instruction, which says nothing.
const STARTS_AGREED: usize = 64;
const STARTS_PASSED: usize = 4;
/// Compilers align functions so.
const ALIGNMENT: u64 = 16;
/// Instructions between the reference to a word and the call.
const DISTANCE_MAX: usize = 24;
/// Of which each has at most so many bytes.
const INSTRUCTION_BYTES_MAX: usize = 15;

/// The file and what it says of its functions.
pub(super) struct Program<'a> {
    pub(super) image: &'a Image<'a>,
    pub(super) go: Option<GoTable>,
}

/// Where a reference leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Led {
    /// To the function at this address, by a call or a jump.
    To(u64),
    /// To a call through a pointer: the call itself is at this address.
    Through(u64),
}

impl Program<'_> {
    /// Start and end of the function around an address, if it is proven to begin an instruction.
    pub(super) fn proven(&self, address: u64) -> Option<(u64, u64)> {
        let known = self
            .image
            .function_at(address)
            .or_else(|| self.go.as_ref().and_then(|go| go.function_at(self.image.bytes, address)));
        if let Some((start, end)) = known {
            return self.decodes_to(start, address).then_some((start, end));
        }
        let beginnings = self.beginnings(address).unwrap_or_default();
        let agreed = beginnings.iter().all(|start| self.decodes_to(*start, address));
        let start = match beginnings.first().filter(|_| agreed) {
            Some(start) => *start,
            None => address.checked_sub(STARTS_BYTES).filter(|_| self.is_agreed(address))?,
        };
        Some((start, address.saturating_add(FUNCTION_BYTES_MAX)))
    }

    /// True if decoding falls into step with the address from wherever it begins: instructions of
    /// x86 do so within some ten bytes. For code of which nothing tells where functions begin.
    fn is_agreed(&self, address: u64) -> bool {
        let starts = (STARTS_BYTES / 2..STARTS_BYTES).map(|back| address.wrapping_sub(back));
        let (mut agreed, mut passed) = (0, 0);
        for came in starts.filter_map(|start| self.comes_by(start, address)) {
            *if came { &mut agreed } else { &mut passed } += 1;
        }
        agreed >= STARTS_AGREED && passed <= STARTS_PASSED
    }

    /// True if a function begins at the address: by a table, or by padding before it.
    pub(super) fn is_function(&self, address: u64) -> bool {
        let known = self
            .image
            .function_at(address)
            .or_else(|| self.go.as_ref().and_then(|go| go.function_at(self.image.bytes, address)));
        match known {
            Some((start, _)) => start == address,
            None => self.beginnings(address).is_some_and(|all| all.first() == Some(&address)),
        }
    }

    /// The instructions from `start` on; `start` must be known to begin one.
    pub(super) fn instructions(&self, start: u64, length: u64) -> Vec<Instruction> {
        let length = usize::try_from(length.min(FUNCTION_BYTES_MAX)).unwrap_or(0);
        let code = self.image.code(start, length).unwrap_or_default();
        let decoder = Decoder::with_ip(64, &code, start, DecoderOptions::NONE);
        decoder.into_iter().take_while(|instruction| !instruction.is_invalid()).collect()
    }

    fn decodes_to(&self, start: u64, address: u64) -> bool {
        self.comes_by(start, address) == Some(true)
    }

    /// Whether decoding from `start` comes by the address or passes over it; `None` if there is
    /// something before that is no instruction.
    fn comes_by(&self, start: u64, address: u64) -> Option<bool> {
        let length = address.checked_sub(start).filter(|l| *l <= FUNCTION_BYTES_MAX)?;
        let room = length as usize + INSTRUCTION_BYTES_MAX;
        let code = self.image.code(start, room).unwrap_or_default();
        let mut decoder = Decoder::with_ip(64, &code, start, DecoderOptions::NONE);
        let mut instruction = Instruction::default();
        while decoder.can_decode() && decoder.ip() <= address {
            let at = decoder.ip();
            decoder.decode_out(&mut instruction);
            if instruction.is_invalid() {
                return None;
            }
            if at == address {
                return Some(true);
            }
        }
        Some(false)
    }

    /// Guessed beginnings at or before the address, the closest first: aligned, with padding or the
    /// end of another function before them. Fewer than wanted are none.
    fn beginnings(&self, address: u64) -> Option<Vec<u64>> {
        let segment = self.image.segments.iter().find(|s| s.is_code && s.holds(address))?;
        let least = address.saturating_sub(SEARCH_BYTES_MAX).max(segment.address);
        let code = self.image.code(least, (address - least) as usize + 1)?;
        let mut found = Vec::new();
        let mut start = address & !(ALIGNMENT - 1);
        while start > least && found.len() < BEGINNINGS {
            let before = code.get(..(start - least) as usize).unwrap_or_default();
            if ends_a_function(before) {
                found.push(start);
            }
            start = start.checked_sub(ALIGNMENT)?;
        }
        (found.len() == BEGINNINGS).then_some(found)
    }

    /// Follows a reference to the call it was made for: the register must keep the word's address.
    pub(super) fn led(&self, address: u64, register: anchor::Register) -> Option<Led> {
        let code = self.image.code(address, DISTANCE_MAX * INSTRUCTION_BYTES_MAX)?;
        let decoder = Decoder::with_ip(64, &code, address, DecoderOptions::NONE);
        for (number, instruction) in decoder.into_iter().take(DISTANCE_MAX).enumerate() {
            if instruction.is_invalid() {
                return None;
            }
            match instruction.flow_control() {
                FlowControl::Next => {
                    let is_first = number == 0;
                    if !is_first && written(&instruction) == Some(register) {
                        return None;
                    }
                }
                FlowControl::Call | FlowControl::UnconditionalBranch => {
                    return Some(Led::To(instruction.near_branch_target()));
                }
                FlowControl::IndirectCall => return Some(Led::Through(instruction.ip())),
                _ => return None,
            }
        }
        None
    }

    /// True if all of these numbers are loaded between two addresses of a run of instructions.
    pub(super) fn loads(&self, from: u64, to: u64, numbers: &[u64]) -> bool {
        let all = self.instructions(from, to.saturating_sub(from));
        numbers.iter().all(|number| {
            all.iter().any(|instruction| {
                (0..instruction.op_count()).any(|operand| {
                    is_immediate(instruction.op_kind(operand))
                        && instruction.immediate(operand) == *number
                })
            })
        })
    }
}

/// True if the kernel emulates the instruction under a probe (`branch_setup_xol_ops` of
/// arch/x86/kernel/uprobes.c): calls and jumps to fixed places, pushes of a register, one-byte
/// no-operations. What it does not, it steps over, at ten times the price.
pub(super) fn is_emulated(instruction: &Instruction) -> bool {
    let is_plain = !instruction.has_rep_prefix() && !instruction.has_lock_prefix();
    is_plain
        && (instruction.is_jcc_short_or_near()
            || matches!(
                instruction.code(),
                Code::Call_rel32_64
                    | Code::Jmp_rel32_64
                    | Code::Jmp_rel8_64
                    | Code::Push_r64
                    | Code::Nopd
            ))
}

/// The register an instruction writes first, in full or in part.
pub(super) fn written(instruction: &Instruction) -> Option<anchor::Register> {
    let is_comparison = matches!(
        instruction.mnemonic(),
        iced_x86::Mnemonic::Cmp | iced_x86::Mnemonic::Test | iced_x86::Mnemonic::Push
    );
    (instruction.op_count() > 0 && instruction.op0_kind() == OpKind::Register && !is_comparison)
        .then(|| named(instruction.op0_register()))
        .flatten()
}

/// Our name of a general register, whatever part of it is meant.
pub(super) fn named(register: Register) -> Option<anchor::Register> {
    use anchor::Register as R;
    Some(match register.full_register() {
        Register::R15 => R::R15,
        Register::R14 => R::R14,
        Register::R13 => R::R13,
        Register::R12 => R::R12,
        Register::RBP => R::Rbp,
        Register::RBX => R::Rbx,
        Register::R11 => R::R11,
        Register::R10 => R::R10,
        Register::R9 => R::R9,
        Register::R8 => R::R8,
        Register::RAX => R::Rax,
        Register::RCX => R::Rcx,
        Register::RDX => R::Rdx,
        Register::RSI => R::Rsi,
        Register::RDI => R::Rdi,
        Register::RSP => R::Rsp,
        _ => return None,
    })
}

fn is_immediate(kind: OpKind) -> bool {
    matches!(
        kind,
        OpKind::Immediate8
            | OpKind::Immediate16
            | OpKind::Immediate32
            | OpKind::Immediate64
            | OpKind::Immediate8to16
            | OpKind::Immediate8to32
            | OpKind::Immediate8to64
            | OpKind::Immediate32to64
    )
}

/// True if the bytes end with padding between functions, or with a return right at the boundary.
fn ends_a_function(before: &[u8]) -> bool {
    const NOPS: [&[u8]; 9] = [
        &[0xcc],
        &[0xc3],
        &[0x66, 0x90],
        &[0x0f, 0x1f, 0x00],
        &[0x0f, 0x1f, 0x40, 0x00],
        &[0x0f, 0x1f, 0x44, 0x00, 0x00],
        &[0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
        &[0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00],
        &[0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
    ];
    NOPS.iter().any(|padding| before.ends_with(padding)) || before.ends_with(&[0x90])
}
