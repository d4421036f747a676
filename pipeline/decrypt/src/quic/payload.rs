//! Frames of an opened packet: the handshake, streams, ids and the end of a connection.

use model::{Direction, Side, StreamChunk, StreamContent, StreamId, Timestamp};

use super::connection::{Connection, Context};
use super::frame::{Frame, Frames};
use super::news::News;
use super::packet::Level;
use super::streams::Piece;

impl Connection {
    /// Reads the frames of a payload. Gives how many of its bytes are handed on as streams.
    pub(super) fn frames(
        &mut self,
        level: Level,
        direction: Direction,
        payload: &[u8],
        at: Timestamp,
        context: &mut Context<'_>,
    ) -> u64 {
        let side = self.side(direction);
        let mut handed_on = 0;
        for frame in Frames::new(payload) {
            let has_streams = matches!(level, Level::Early | Level::Application) && !self.is_over;
            match frame {
                Frame::Crypto { offset, bytes } => {
                    let [initial, handshake] = &mut self.crypto;
                    let of = match level {
                        Level::Initial => initial,
                        Level::Handshake => handshake,
                        // Tickets, and nothing that is said in early data.
                        Level::Early | Level::Application => continue,
                    };
                    of[side.index()].push(offset, bytes, at, &mut self.hello);
                    self.tell_name(context);
                }
                Frame::Stream { stream, offset, bytes, ends } if has_streams => {
                    self.tell_protocol(context);
                    let stream = StreamId(stream);
                    let piece = Piece { stream, side, direction, offset, bytes, ends, at };
                    let each = &mut *context.each;
                    handed_on += self.streams.piece(&piece, &mut |chunk| each(News::Chunk(chunk)));
                }
                Frame::Reset { stream, code } if has_streams => {
                    self.tell_protocol(context);
                    let piece = empty(StreamId(stream), side, direction, at);
                    let each = &mut *context.each;
                    self.streams.reset(&piece, code, &mut |chunk| each(News::Chunk(chunk)));
                }
                Frame::Stop { stream, code } if has_streams => {
                    self.tell_protocol(context);
                    let (stream, content) = (StreamId(stream), StreamContent::Stopped(code));
                    (context.each)(News::Chunk(&StreamChunk { stream, direction, at, content }));
                }
                Frame::NewId(id) => self.call(side, id),
                Frame::Close { code, is_application } if !self.is_over => {
                    self.is_over = true;
                    if !is_application {
                        self.progress.failed(code, at);
                    }
                    self.tell_handshake(true, context);
                    let (client, each) = (self.client, &mut *context.each);
                    self.streams.close(client, at, &mut |chunk| each(News::Chunk(chunk)));
                    each(News::Closed { at, is_sealed: self.has_sealed });
                }
                Frame::Stream { .. }
                | Frame::Reset { .. }
                | Frame::Stop { .. }
                | Frame::Close { .. }
                | Frame::HandshakeDone
                | Frame::Other => {}
            }
        }
        context.ledger.unknown += self.streams.take_dropped();
        handed_on
    }

    fn tell_name(&mut self, context: &mut Context<'_>) {
        if !self.is_named && self.hello.client_random.is_some() {
            self.is_named = true;
            let name = self.hello.facts.server_name.as_str();
            if !name.is_empty() {
                (context.each)(News::Named(name, self.client));
            }
        }
    }

    /// Tells of the handshake, once it is over and nothing of it waits for a key.
    pub(super) fn tell_handshake(&mut self, at_last: bool, context: &mut Context<'_>) {
        if (at_last || !self.waits())
            && let Some(handshake) = self.progress.take(at_last)
        {
            (context.each)(News::Shaken(self.facts(), &handshake));
        }
    }

    fn tell_protocol(&mut self, context: &mut Context<'_>) {
        if !self.is_agreed {
            self.is_agreed = true;
            (context.each)(News::Agreed {
                facts: self.facts(),
                protocol: self.hello.protocol().as_str(),
                client: self.client,
                is_older: self.progress.was_missed(),
            });
        }
    }
}

const fn empty(
    stream: StreamId,
    side: Side,
    direction: Direction,
    at: Timestamp,
) -> Piece<'static> {
    Piece { stream, side, direction, offset: 0, bytes: &[], ends: false, at }
}
