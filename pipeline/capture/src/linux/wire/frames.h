// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// Frames of HTTP/2, records of TLS and packets of MySQL, followed from head to head, so that heads
// are copied and long bodies are not. The walk begins with a stream, where its first bytes tell
// what it is. If anything is left out is up to user space, which knows if they told the truth
// (STEER_FRAMES); the preface of HTTP/2 leaves no doubt, and bodies come before a reader has seen
// that they do.
//
// Where the start was not seen (an older connection, a reordered packet), frames of HTTP/2 are
// looked for at the start of a packet, and nothing is left out before so many heads followed one
// another that nobody doubts them.
//
// Packets of MySQL look like nothing in particular, and most of them are shorter than a head is
// worth. They are followed where user space says that there are some (STEER_PACKETS), from the
// start of a turn that fills a segment on, and as long as they count on.
//
// One step is a global function: the verifier looks at it once, whoever calls it and however often.
// So what it knows of the packet stands beside the socket.
#pragma once

// How a direction is cut into frames.
enum framing {
	FRAMING_UNSEEN, // no byte of it was seen yet
	FRAMING_NONE,   // not at all, or nobody knows where
	FRAMING_HTTP2,
	FRAMING_TLS,
	FRAMING_PACKETS,
};

// Bytes of a head that say how long the frame is, and of which type.
#define HEAD_BYTES 5
#define HTTP2_HEAD_BYTES 9
#define HTTP2_PREFACE_BYTES 24
#define HTTP2_DATA 0
#define HTTP2_HEADERS 1
#define HTTP2_WINDOW_UPDATE 8
#define HTTP2_END_STREAM 1
#define HTTP2_FLAGS_OF_DATA 0x09
#define HTTP2_FLAGS 0x2d
// The last type that is in use everywhere.
#define HTTP2_CONTINUATION 9
// HTTP/2 knows types up to 16; some are taken for extensions to come.
#define HTTP2_TYPES_MAX 32
#define TLS_APPLICATION_DATA 23
#define TLS_RECORD_MAX (16384 + 256)
// The longest frame of HTTP/2, with its head.
#define FRAME_BYTES_MAX ((1 << 24) + HTTP2_HEAD_BYTES)
#define PACKET_HEAD_BYTES 4
#define MYSQL_PROTOCOL 10
#define POSTGRESQL_PROTOCOL 0x30000
#define POSTGRESQL_SSL 80877103
#define POSTGRESQL_GSS 80877104
// Copied of each packet of MySQL: statements are named by less.
#define PACKET_KEPT_BYTES (16 * 1024)
// A turn that begins with less has no packet that is longer.
#define PACKETS_BEGIN_BYTES 1024
// A shorter payload is copied along: a record of its own costs as much.
#define PAYLOAD_SKIPPED_MIN 512
// Records in a packet that is handed on as one.
#define WHOLE_RECORDS_MAX 4
// Steps through one packet, and heads: with more of them it is not worth it.
#define WALK_MAX 96
#define HEADS_MAX 24
// So many heads with payloads behind one another are no accident: each is one in some ten thousand.
#define HTTP2_DOUBTS 8
// Packets that are not looked at after one with too many heads.
#define PAUSE_PACKETS 64

// What a walk is to do.
enum walking {
	WALK_EMITS = 1,      // hands records on, and does not only follow the frames
	WALK_EVERYTHING = 2, // whatever the budget
	WALK_UNTIL = 4,      // nothing before `until`
	WALK_PACKETS = 8,    // the packets of MySQL
};

// True if a frame of this head may follow another one.
static __always_inline bool may_follow(__u32 length, __u8 type, __u8 flags)
{
	__u8 known = type == HTTP2_DATA ? HTTP2_FLAGS_OF_DATA : HTTP2_FLAGS;

	return length <= 0xffff && type <= HTTP2_CONTINUATION && !(flags & ~known) &&
	       (length || type != HTTP2_DATA || flags & HTTP2_END_STREAM);
}

// True if frames may begin here: with one of those that most packets begin with.
static __always_inline bool may_begin_http2(const __u8 *b)
{
	__u32 length = b[0] << 16 | b[1] << 8 | b[2];
	__u8 type = b[3];
	bool is_odd = b[8] & 1;

	if (!may_follow(length, type, b[4]) || !length || b[5] & 0x80)
		return false;
	if (type == HTTP2_WINDOW_UPDATE)
		return length == 4 && !b[4] && (is_odd || !(b[5] | b[6] | b[7] | b[8]));
	return type <= HTTP2_HEADERS && is_odd;
}

// True if a record of TLS has such a head.
static __always_inline bool is_record_head(__u8 type, __u8 major, __u32 length)
{
	return type >= 20 && type <= 24 && major == 3 && length <= TLS_RECORD_MAX;
}

// True if nobody wants what ends at `end`: user space has asked for bytes from `until` on.
static __always_inline bool is_unwanted(const struct direction_state *d, __u32 end)
{
	__s32 ahead = (__s32)(d->until - end);

	return d->walking & WALK_UNTIL && ahead >= 0 && ahead < (1 << 30);
}

// What the first five bytes of a head say.
static __always_inline void begin_frame(struct direction_state *d, __u64 head, __u32 start)
{
	__u32 length, type, head_bytes, kept = 0;

	d->skips = 0;
	d->heads++;
	if (d->framing == FRAMING_HTTP2) {
		length = head >> 16 & 0xffffff;
		type = head >> 8 & 0xff;
		head_bytes = HTTP2_HEAD_BYTES;
		if (type > HTTP2_TYPES_MAX || (d->doubts && !may_follow(length, type, head)))
			d->framing = FRAMING_NONE;
		if (d->doubts && length)
			d->doubts--;
		if (d->walking & WALK_EMITS)
			d->skips = type == HTTP2_DATA && length >= PAYLOAD_SKIPPED_MIN && d->begun;
	} else if (d->framing == FRAMING_PACKETS) {
		__u8 number = head >> 8, ahead = number - d->number;

		length = (head >> 32 & 0xff) | (head >> 16 & 0xff00) | (head & 0xff0000);
		head_bytes = PACKET_HEAD_BYTES;
		kept = PACKET_KEPT_BYTES;
		// An answer counts on from its question.
		if (ahead > 2 && number > 1)
			d->framing = FRAMING_NONE;
		d->number = number;
		if (d->walking & WALK_EMITS)
			d->skips = length > PACKET_KEPT_BYTES;
	} else {
		length = head & 0xffff;
		type = head >> 32 & 0xff;
		head_bytes = HEAD_BYTES;
		if (!is_record_head(type, head >> 24, length))
			d->framing = FRAMING_NONE;
		if (type == TLS_APPLICATION_DATA && d->walking & WALK_EMITS) {
			if (is_unwanted(d, start + head_bytes + length)) {
				d->skips = 1;
				d->budget = turn_budget_bytes;
			} else if (!(d->walking & WALK_EVERYTHING)) {
				d->skips = d->budget < length;
				d->budget = d->skips ? 0 : d->budget - length;
			}
		}
	}
	if (d->heads > HEADS_MAX) {
		d->framing = FRAMING_NONE;
		d->pause = PAUSE_PACKETS;
	}
	d->frame_end = start + head_bytes + length;
	d->kept_to = start + head_bytes + kept;
}

// Reads the head at `at`, of which the packet before may have held the beginning.
static __always_inline void read_head(struct __sk_buff *skb, struct direction_state *d, __u32 at,
				      __u32 left)
{
	__u8 bytes[HEAD_BYTES] = {};

	bool is_short = d->framing == FRAMING_PACKETS;
	__u32 head_bytes = is_short ? PACKET_HEAD_BYTES : HEAD_BYTES;

	if (!d->head_have && left >= HEAD_BYTES) {
		if (bpf_skb_load_bytes(skb, d->offset + at, bytes, HEAD_BYTES))
			d->framing = FRAMING_NONE;
		__u64 head = (__u64)bytes[0] << 32 | (__u64)bytes[1] << 24 | bytes[2] << 16 |
			     bytes[3] << 8 | bytes[4];
		begin_frame(d, head, d->sequence + at);
		d->at = at + head_bytes;
		return;
	}
	// Byte by byte; each is a step.
	if (bpf_skb_load_bytes(skb, d->offset + at, bytes, 1))
		d->framing = FRAMING_NONE;
	d->head = d->head << 8 | bytes[0];
	d->at = at + 1;
	if (++d->head_have == head_bytes) {
		d->head_have = 0;
		if (is_short)
			d->head <<= 8;
		begin_frame(d, d->head & 0xffffffffffull, d->sequence + at + 1 - head_bytes);
	}
}

// Hands on `n` bytes from `from` on, of which `captured` are copied; the flags belong to the last.
static __always_inline void hand_on(struct __sk_buff *skb, struct direction_state *d,
				    struct tap_counters *c, __u32 from, __u32 n, bool copied)
{
	struct piece p = {
		.head = {
			.connection = d->connection,
			.at = d->time,
			.sequence = d->sequence + from,
			.length = n,
			.lost_before = d->lost,
			.captured = copied ? n : 0,
			.kind = RECORD_SEGMENT,
			.backward = d->backward,
			.in_order = d->in_order,
			.begins = d->outgoing && !d->begun,
			.flags = from + n == d->length ? d->flags : 0,
		},
		.offset = d->offset + from,
	};

	book(c, d, p.head.captured, n - p.head.captured, emit(skb, &p));
}

// One step: hands a run on, passes a payload over, or goes on to the next head. What is handed on
// are runs of bytes as long as possible; what lies between `from` and `at` is the one under way.
// False at the end.
static __always_inline bool step(struct __sk_buff *skb, struct direction_state *d,
				 struct tap_counters *c)
{
	__u32 length = d->length, at = d->at, from = d->from, run = at - from;

	if (run && (d->over || run >= 4096 || at >= length)) {
		__u32 n = run < 4096 ? run : 4096;

		d->from = from + n;
		d->skipped = 0;
		if (d->walking & WALK_EMITS)
			hand_on(skb, d, c, from, n, true);
		return true;
	}
	d->over = 0;
	if (at >= length)
		return false;
	__u32 left = length - at, sequence = d->sequence + at, rest = d->frame_end - sequence;

	if (d->framing == FRAMING_NONE || (!d->head_have && rest > FRAME_BYTES_MAX)) {
		d->framing = FRAMING_NONE;
		d->at = length;
		return true;
	}
	if (d->head_have || !rest) {
		read_head(skb, d, at, left);
		return true;
	}
	__s32 kept = (__s32)(d->kept_to - sequence);
	if (d->skips && kept <= 0) {
		// What is to be copied goes first.
		d->over = run > 0;
		if (run)
			return true;
		__u32 n = rest < left ? rest : left;
		d->at = d->from = at + n;
		d->skipped += n;
		if (d->walking & WALK_EMITS)
			d->silent += n;
		return true;
	}
	if (d->skips && (__u32)kept < rest)
		rest = kept;
	d->at = at + (rest < left ? rest : left);
	return true;
}

// The direction that a packet belongs to.
static __always_inline struct direction_state *direction_of(struct __sk_buff *skb, __u32 outgoing)
{
	struct bpf_sock *sk = skb->sk;

	if (!sk)
		return NULL;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return NULL;
	struct socket_state *s = bpf_sk_storage_get(&sockets, sk, 0, 0);
	if (!s)
		return NULL;
	return outgoing ? &s->out : &s->in;
}

// Goes on through the packet; 0 at its end.
__attribute__((noinline)) int walk_step(struct __sk_buff *skb, __u32 outgoing)
{
	struct direction_state *d = direction_of(skb, outgoing);
	struct tap_counters *c = counter();

	if (!d || !c)
		return 0;
	return step(skb, d, c);
}

// The packet is done: what was passed over at its end is told of where that may be a body's end,
// for the last byte of a body is on time only so.
__attribute__((noinline)) int walk_end(struct __sk_buff *skb, __u32 outgoing)
{
	struct direction_state *d = direction_of(skb, outgoing);
	struct tap_counters *c = counter();

	if (!d || !c)
		return 0;
	__u32 length = d->length, skipped = d->skipped, end = d->sequence + length;

	if (d->from < length) {
		// More than the steps reach (BIG TCP).
		d->framing = FRAMING_NONE;
		pass_over(c, d, length - d->from);
	} else if (skipped && (d->silent >= SILENT_BYTES_MAX || d->frame_end == end ||
			       d->flags & (TCP_FIN | TCP_RST | TCP_PSH))) {
		hand_on(skb, d, c, length - skipped, skipped, false);
	}
	return 0;
}

// True if a stream that begins so is one of a database: a greeting of MySQL (first packet, protocol
// 10), a client of PostgreSQL that begins (protocol 3) or asks for encryption first, a command of
// Redis.
static __always_inline bool begins_database(const __u8 *b)
{
	__u32 code = b[4] << 24 | b[5] << 16 | b[6] << 8 | b[7];
	__u32 end = b[2] == '\r' ? 2 : 3;

	if (!b[1] && !b[2] && !b[3] && b[4] == MYSQL_PROTOCOL)
		return true;
	if (b[0] == '*' && b[1] >= '1' && b[1] <= '9')
		return b[end] == '\r' && b[end + 1] == '\n' && b[end + 2] == '$';
	return !b[0] && !b[1] && (code >> 8 == POSTGRESQL_PROTOCOL >> 8 ||
				  code == POSTGRESQL_SSL || code == POSTGRESQL_GSS);
}

// Looks at how a stream begins: does it say how it is cut into frames?
__attribute__((noinline)) int see_framing(struct __sk_buff *skb, __u32 outgoing)
{
	struct direction_state *d = direction_of(skb, outgoing);
	__u8 b[10] = {};

	if (!d)
		return 0;
	bool is_first = d->framing == FRAMING_UNSEEN;
	d->framing = FRAMING_NONE;
	d->head_have = d->skips = d->doubts = 0;
	if (is_first && d->length >= 8 && !bpf_skb_load_bytes(skb, d->offset, b, 8))
		d->is_database = begins_database(b);
	if (d->length < sizeof(b) || bpf_skb_load_bytes(skb, d->offset, b, sizeof(b)))
		return 0;
	d->frame_end = d->sequence;
	if (d->walking & WALK_PACKETS) {
		// The first one of a question or an answer.
		d->number = b[3];
		if (b[3] <= 1 && (b[0] | b[1] | b[2]))
			d->framing = FRAMING_PACKETS;
		return 0;
	}
	if (b[0] >= 20 && b[0] <= 23 && b[1] == 3 && b[2] <= 4) {
		d->framing = FRAMING_TLS;
	} else if (b[0] == 'P' && b[1] == 'R' && b[2] == 'I' && b[3] == ' ' && b[4] == '*' &&
		   b[5] == ' ' && b[6] == 'H' && b[9] == 'P') {
		// Behind the preface.
		d->framing = FRAMING_HTTP2;
		d->prefaced = 1;
		d->frame_end += HTTP2_PREFACE_BYTES;
		d->kept_to = d->frame_end;
	} else if (b[0] == 0 && b[1] == 0 && b[2] < 64 && b[3] == 4 && b[4] <= 1 && b[5] == 0 &&
		   b[6] == 0 && b[7] == 0 && b[8] == 0) {
		// SETTINGS of the connection, which a server says first.
		d->framing = FRAMING_HTTP2;
	} else if (d->pause) {
		d->pause--;
	} else if (d->walking & WALK_EMITS && may_begin_http2(b)) {
		d->framing = FRAMING_HTTP2;
		d->doubts = HTTP2_DOUBTS;
	}
	return 0;
}

// True if the packet is a few whole records of TLS, all of them wanted, as most packets are: nobody
// need walk through it.
__attribute__((noinline)) int is_wanted_whole(struct __sk_buff *skb, __u32 outgoing)
{
	struct direction_state *d = direction_of(skb, outgoing);
	__u8 b[HEAD_BYTES] = {};
	__u32 at = 0;

	if (!d)
		return 0;
	for (int i = 0; i < WHOLE_RECORDS_MAX && at < d->length; i++) {
		if (bpf_skb_load_bytes(skb, d->offset + at, b, HEAD_BYTES))
			return 0;
		__u32 length = b[3] << 8 | b[4];
		if (!is_record_head(b[0], b[1], length))
			return 0;
		at += HEAD_BYTES + length;
		if (is_unwanted(d, d->sequence + at))
			return 0;
	}
	bool has_budget = d->walking & WALK_EVERYTHING || d->length <= d->budget;
	if (at != d->length || (d->walking & WALK_EMITS && !has_budget))
		return 0;
	d->frame_end = d->sequence + at;
	d->skips = 0;
	return 1;
}

// The packet that is walked through.
static __always_inline void begin_walk(struct direction_state *d, const struct segment *t)
{
	d->sequence = t->sequence;
	d->length = t->length;
	d->offset = t->offset;
	d->flags = t->flags;
}

// True if the packet was handed on frame by frame. `is_next` is false if it does not follow the one
// before.
static __always_inline bool take_frames(struct __sk_buff *skb, struct socket_state *s,
					struct direction_state *d, struct segment *t,
					const struct steering *wish, __u64 at, bool is_next,
					bool backward, bool outgoing, bool in_order, bool is_turn)
{
	bool packets = wish && wish->mode & STEER_PACKETS;
	bool asked = wish && wish->mode & (STEER_FRAMES | STEER_PACKETS);

	// What user space has missed it may have to look for in bodies, too, unless it asks.
	if (!is_next && d->framing != FRAMING_UNSEEN) {
		d->framing = FRAMING_NONE;
		s->in.prefaced = s->out.prefaced = 0;
	}
	bool begins = d->framing == FRAMING_UNSEEN || (d->framing == FRAMING_NONE && asked);

	// Each turn is decided upon anew, unless a packet goes on that was begun before.
	bool is_between = !d->head_have && d->frame_end == t->sequence;
	if (packets && (d->framing != FRAMING_PACKETS || (is_turn && is_between))) {
		d->framing = FRAMING_NONE;
		begins = is_turn && t->length >= PACKETS_BEGIN_BYTES;
	}
	if (d->framing == FRAMING_NONE && !begins)
		return false;
	d->connection = s->connection;
	d->time = at;
	begin_walk(d, t);
	d->backward = backward;
	d->in_order = in_order;
	d->outgoing = outgoing;
	d->walking = 0;
	// Of TLS user space asks for frames once it has read the first; a long answer may be under
	// way by then.
	bool is_early = d->begun && !wish && d->framing == FRAMING_TLS;
	if ((asked || is_early || s->in.prefaced || s->out.prefaced) && turn_budget_bytes)
		d->walking = WALK_EMITS;
	if (asked && d->walking) {
		d->until = wish->until[backward ? 1 : 0];
		if (wish->mode & STEER_EVERYTHING)
			d->walking |= WALK_EVERYTHING;
		if (wish->mode & (backward ? STEER_UNTIL_BACKWARD : STEER_UNTIL_FORWARD))
			d->walking |= WALK_UNTIL;
		if (packets)
			d->walking |= WALK_PACKETS;
	}
	// A record of TLS is known again wherever a packet begins with one.
	if (begins)
		see_framing(skb, outgoing);
	if (d->framing == FRAMING_NONE)
		return false;
	if (d->framing == FRAMING_TLS && !d->head_have && d->frame_end == t->sequence &&
	    is_wanted_whole(skb, outgoing))
		return false;
	if (d->doubts)
		d->walking = 0;
	d->at = d->from = d->skipped = d->heads = 0;
	d->over = 0;
	for (int i = 0; i < WALK_MAX; i++)
		if (!walk_step(skb, outgoing))
			break;
	if (!d->walking)
		return false;
	walk_end(skb, outgoing);
	return true;
}
