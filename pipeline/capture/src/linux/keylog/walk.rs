//! What registers hold along a function, as far as it follows from its arguments: where to put the
//! probe so that label, secret and length are at hand, and where the client's random is.
//!
//! Values are arguments, offsets from them, and pointers read through one of them. A place that two
//! paths reach keeps what both agree on.

use std::collections::HashMap;

use iced_x86::{FlowControl, Instruction, Mnemonic, OpKind};

use super::anchor::{Random, Register};
use super::code::{is_emulated, named, written};
use super::engines::Convention;

/// Instructions looked at for the random; those functions have about a hundred.
const INSTRUCTIONS_MAX: usize = 400;
/// The object's random lies within so many bytes of where its pointer leads.
const OFFSETS: std::ops::Range<i64> = 0x10..0x8000;

/// Which argument of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Argument {
    Object,
    Label,
    Secret,
    Length,
    Random,
}

/// `argument + offset`, or `*(argument + through) + offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value {
    argument: Argument,
    through: Option<i64>,
    offset: i64,
}

impl Value {
    const fn of(argument: Argument) -> Self {
        Self { argument, through: None, offset: 0 }
    }

    const fn plus(self, by: i64) -> Self {
        Self { offset: self.offset.wrapping_add(by), ..self }
    }

    /// What the pointer at this address leads to; one step is enough for every engine.
    fn followed(self) -> Option<Self> {
        self.through.is_none().then_some(Self { through: Some(self.offset), offset: 0, ..self })
    }
}

/// What is known of every register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State([Option<Value>; 16]);

/// Where the probe goes, and what is where then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) address: u64,
    pub(super) is_emulated: bool,
    pub(super) label: Register,
    pub(super) secret: Register,
    pub(super) length: Register,
    pub(super) random: Option<Random>,
}

/// The spot in a function that follows the convention. `elsewhere` is where the random is if the
/// function itself does not show it.
pub(super) fn spot(
    instructions: &[Instruction],
    convention: &Convention,
    elsewhere: Option<Value>,
) -> Option<Spot> {
    let first = instructions.first()?;
    let entry = State::at_entry(convention);
    let mut state = entry;
    let mut chosen = (first, entry, false);
    for instruction in instructions.iter().take(INSTRUCTIONS_MAX) {
        if !state.has_all() {
            break;
        }
        if is_emulated(instruction) {
            chosen = (instruction, state, true);
            break;
        }
        if instruction.flow_control() != FlowControl::Next {
            break;
        }
        state.apply(instruction);
    }
    let (instruction, state, is_emulated) = chosen;
    let found = random(instructions, entry).or(elsewhere);
    Some(Spot {
        address: instruction.ip(),
        is_emulated,
        label: state.holding(Value::of(Argument::Label))?,
        secret: state.holding(Value::of(Argument::Secret))?,
        length: state.holding(Value::of(Argument::Length))?,
        random: found.and_then(|value| state.reaching(value)),
    })
}

/// What an accessor `f(object, …)` hands out first: an address within its object.
pub(super) fn handed_out(instructions: &[Instruction], convention: &Convention) -> Option<Value> {
    addresses(instructions, State::at_entry(convention)).1.first().copied()
}

/// The one address within the object that the function reads 32 bytes of, or hands on.
fn random(instructions: &[Instruction], entry: State) -> Option<Value> {
    if let Some(value) = entry.0.iter().flatten().find(|v| v.argument == Argument::Random) {
        return Some(*value);
    }
    let (read, handed) = addresses(instructions, entry);
    only(&read).or_else(|| only(&handed))
}

/// Every address within the object that the function reads an array at, and that it computes.
fn addresses(instructions: &[Instruction], entry: State) -> (Vec<Value>, Vec<Value>) {
    let is_random = |v: &Value| v.argument == Argument::Object && OFFSETS.contains(&v.offset);
    let (mut read, mut handed) = (Vec::new(), Vec::new());
    let mut at_label: HashMap<u64, State> = HashMap::new();
    let mut state = Some(entry);
    for instruction in instructions.iter().take(INSTRUCTIONS_MAX) {
        let known = at_label.get(&instruction.ip()).copied();
        state = match (state, known) {
            (Some(here), Some(there)) => Some(here.agreed(&there)),
            (here, there) => here.or(there),
        };
        let Some(now) = &mut state else { continue };
        read.extend(now.array_read(instruction).filter(is_random));
        handed.extend(now.address_made(instruction).filter(is_random));
        now.apply(instruction);
        match instruction.flow_control() {
            FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch => {
                let target = instruction.near_branch_target();
                let here = *now;
                at_label
                    .entry(target)
                    .and_modify(|there| *there = there.agreed(&here))
                    .or_insert(here);
            }
            _ => {}
        }
        if !matches!(
            instruction.flow_control(),
            FlowControl::Next
                | FlowControl::ConditionalBranch
                | FlowControl::Call
                | FlowControl::IndirectCall
        ) {
            state = None;
        }
    }
    (read, handed)
}

/// The value, if all are the same.
fn only(values: &[Value]) -> Option<Value> {
    let first = values.first()?;
    values.iter().all(|value| value == first).then_some(*first)
}

impl State {
    fn at_entry(convention: &Convention) -> Self {
        let mut state = Self([None; 16]);
        let arguments = [
            (convention.object, Argument::Object),
            (Some(convention.label), Argument::Label),
            (Some(convention.secret), Argument::Secret),
            (convention.length, Argument::Length),
            (convention.random, Argument::Random),
        ];
        for (register, argument) in arguments {
            if let Some(register) = register {
                state.set(register, Some(Value::of(argument)));
            }
        }
        state
    }

    fn has_all(&self) -> bool {
        [Argument::Label, Argument::Secret, Argument::Length]
            .into_iter()
            .all(|argument| self.holding(Value::of(argument)).is_some())
    }

    fn get(&self, register: Register) -> Option<Value> {
        self.0.get(register as usize).copied().flatten()
    }

    fn set(&mut self, register: Register, value: Option<Value>) {
        if let Some(held) = self.0.get_mut(register as usize) {
            *held = value;
        }
    }

    fn holding(&self, value: Value) -> Option<Register> {
        Register::ALL.into_iter().find(|register| self.get(*register) == Some(value))
    }

    /// How to reach a value from what the registers hold: in the least number of steps.
    fn reaching(&self, value: Value) -> Option<Random> {
        let at = |base, through, offset: i64| {
            Some(Random { base, through, offset: i32::try_from(offset).ok()? })
        };
        for register in Register::ALL {
            let Some(held) = self.get(register).filter(|h| h.argument == value.argument) else {
                continue;
            };
            if held.through == value.through {
                return at(register, None, value.offset.wrapping_sub(held.offset));
            }
            if held.through.is_none()
                && let Some(through) = value.through
            {
                let through = i32::try_from(through.wrapping_sub(held.offset)).ok()?;
                return at(register, Some(through), value.offset);
            }
        }
        None
    }

    /// What two paths agree on.
    fn agreed(&self, other: &Self) -> Self {
        let mut both = *self;
        for (mine, theirs) in both.0.iter_mut().zip(other.0) {
            if *mine != theirs {
                *mine = None;
            }
        }
        both
    }

    /// The address an operand in memory stands for, its index left out.
    fn address(&self, instruction: &Instruction) -> Option<Value> {
        let base = named(instruction.memory_base())?;
        let by = instruction.memory_displacement64() as i64;
        self.get(base).map(|value| value.plus(by))
    }

    /// A read of one element of an array, or of half the random at once.
    fn array_read(&self, instruction: &Instruction) -> Option<Value> {
        let has_index = instruction.memory_index() != iced_x86::Register::None;
        let is_wide = matches!(instruction.mnemonic(), Mnemonic::Movdqu | Mnemonic::Movups);
        let is_read = instruction.op_count() > 1 && instruction.op1_kind() == OpKind::Memory;
        let is_element = has_index && instruction.mnemonic() == Mnemonic::Movzx;
        (is_read && (is_element || is_wide)).then(|| self.address(instruction)).flatten()
    }

    /// An address that is computed and not read yet.
    fn address_made(&self, instruction: &Instruction) -> Option<Value> {
        let is_plain = instruction.memory_index() == iced_x86::Register::None;
        match instruction.mnemonic() {
            Mnemonic::Lea if is_plain => self.address(instruction),
            Mnemonic::Add if instruction.op1_kind() != OpKind::Register => {
                let held = self.get(named(instruction.op0_register())?)?;
                Some(held.plus(instruction.try_immediate(1).ok()? as i64))
            }
            _ => None,
        }
    }

    /// What the instruction changes.
    fn apply(&mut self, instruction: &Instruction) {
        if matches!(instruction.flow_control(), FlowControl::Call | FlowControl::IndirectCall) {
            use Register as R;
            for register in [R::Rax, R::Rcx, R::Rdx, R::Rsi, R::Rdi, R::R8, R::R9, R::R10, R::R11] {
                self.set(register, None);
            }
            return;
        }
        let Some(target) = written(instruction) else { return };
        let is_whole = instruction.op0_register().is_gpr64();
        let value = match instruction.mnemonic() {
            Mnemonic::Mov if instruction.op1_kind() == OpKind::Register => {
                named(instruction.op1_register()).and_then(|from| self.get(from))
            }
            Mnemonic::Mov
                if instruction.op1_kind() == OpKind::Memory
                    && instruction.memory_index() == iced_x86::Register::None =>
            {
                self.address(instruction).and_then(Value::followed)
            }
            _ => self.address_made(instruction),
        };
        self.set(target, value.filter(|_| is_whole));
        if instruction.mnemonic() == Mnemonic::Xchg {
            let other = named(instruction.op1_register());
            other.into_iter().for_each(|other| self.set(other, None));
        }
    }
}
