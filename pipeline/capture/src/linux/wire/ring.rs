//! Reads the BPF ring buffer through its mapping, in batches and without a system call.
//!
//! Layout (kernel/bpf/ringbuf.c): one page with the consumer position, one with the producer
//! position, then the data, mapped twice in a row so that no record is ever split. Each record
//! starts with a 32-bit length whose top two bits mean "still being written" and "discarded", and a
//! page offset.

use std::os::fd::BorrowedFd;
use std::sync::atomic::Ordering;

use crate::linux::TapError;
use crate::linux::mapping::Mapping;

const PAGE: usize = 4096;
const BUSY: u32 = 1 << 31;
const DISCARDED: u32 = 1 << 30;
const HEADER: usize = 8;

/// The reader's end of a ring.
#[derive(Debug)]
pub(in crate::linux) struct Ring {
    consumer: Mapping,
    producer: Mapping,
    size: usize,
    position: u64,
}

impl Ring {
    pub(in crate::linux) fn new(map: BorrowedFd<'_>, size: usize) -> Result<Self, TapError> {
        let consumer = Mapping::new(map, 0, PAGE, true)?;
        let producer = Mapping::new(map, PAGE, PAGE + 2 * size, false)?;
        let position = consumer.words()[0].load(Ordering::Relaxed);
        Ok(Self { consumer, producer, size, position })
    }

    /// Bytes written and not yet read.
    pub(in crate::linux) fn fill(&self) -> u64 {
        self.end() - self.position
    }

    /// Where the next record will be.
    pub(in crate::linux) fn end(&self) -> u64 {
        self.producer.words()[0].load(Ordering::Acquire)
    }

    /// Hands every finished record to `sink`, then frees their room. Stops at a record still being
    /// written, and after one ring's worth so that a busy producer cannot keep it here.
    pub(in crate::linux) fn drain(&mut self, sink: impl FnMut(&[u8])) -> u64 {
        self.drain_until(self.end(), sink)
    }

    /// The same of the records before `end`.
    pub(in crate::linux) fn drain_until(&mut self, end: u64, mut sink: impl FnMut(&[u8])) -> u64 {
        let mut count = 0;
        let freed_every = self.size as u64 / 8;
        let mut freed = self.position;
        while self.position < end {
            let at = PAGE + (self.position as usize & (self.size - 1));
            let word = self.producer.words()[at / 8].load(Ordering::Acquire) as u32;
            if word & BUSY != 0 {
                break;
            }
            let length = (word & !(BUSY | DISCARDED)) as usize;
            if word & DISCARDED == 0 {
                sink(self.producer.bytes(at + HEADER, length));
                count += 1;
            }
            self.position += (length + HEADER).next_multiple_of(8) as u64;
            if self.position - freed >= freed_every {
                self.free();
                freed = self.position;
            }
        }
        self.free();
        count
    }

    fn free(&self) {
        self.consumer.words()[0].store(self.position, Ordering::Release);
    }
}
