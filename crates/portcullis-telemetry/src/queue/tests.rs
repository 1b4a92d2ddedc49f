//! The queue, in front of writers that block and that fail.

use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

/// Far longer than anything here takes, so that a test that would hang fails instead.
const TOO_LONG: Duration = Duration::from_secs(60);

/// Asks before each write whether it goes well, and waits for the answer. Without anybody to ask it does.
struct Gated {
    asks: Sender<()>,
    answers: Receiver<io::Result<()>>,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Write for Gated {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.asks.send(()).is_ok() {
            self.answers.recv().unwrap_or(Ok(()))?;
        }
        self.written.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The other side of a [`Gated`]. Dropping the answers opens it for good.
struct Gate {
    asks: Receiver<()>,
    answers: Sender<io::Result<()>>,
    written: Arc<Mutex<Vec<u8>>>,
}

fn gate() -> (Gated, Gate) {
    let ((asks, asked), (answer, answers)) = (channel(), channel());
    let written = Arc::default();
    let gated = Gated { asks, answers, written: Arc::clone(&written) };
    (gated, Gate { asks: asked, answers: answer, written })
}

impl Gate {
    fn wait_for_a_write(&self) {
        self.asks.recv_timeout(TOO_LONG).expect("the thread writes");
    }
}

fn lines_of(written: &Mutex<Vec<u8>>) -> Vec<String> {
    String::from_utf8(written.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect()
}

fn say_lost(lost: usize) -> String {
    format!("lost {lost}\n")
}

fn push(lines: &QueuedLines, numbers: std::ops::Range<usize>) {
    for number in numbers {
        lines.clone().write_all(format!("line {number:04}\n").as_bytes()).unwrap();
    }
}

/// The bytes of one line of [`push`].
const LINE: usize = "line 0000\n".len();

#[test]
fn a_blocked_writer_holds_up_nobody_and_what_is_lost_is_said_in_its_place() {
    let (gated, gate) = gate();
    let (lines, flush) = start(gated, 10 * LINE, TOO_LONG, say_lost).unwrap();
    push(&lines, 0..1);
    gate.wait_for_a_write();
    // The writer is stuck with line 0; ten more fit, and 89 do not.
    let (done, is_done) = channel();
    let logger = lines.clone();
    thread::spawn(move || {
        push(&logger, 1..100);
        done.send(()).unwrap();
    });
    is_done.recv_timeout(TOO_LONG).expect("whoever logs does not wait for the writer");
    let Gate { asks, answers, written } = gate;
    drop(answers);
    // Line 0, lines 1 to 10, and the word about the others, each with a write of its own; then there is room again.
    for _ in 0..2 {
        asks.recv_timeout(TOO_LONG).expect("the thread goes on");
    }
    push(&lines, 100..105);
    drop(flush);
    let mut expected: Vec<String> = (0..11).map(|number| format!("line {number:04}")).collect();
    expected.push("lost 89".into());
    expected.extend((100..105).map(|number| format!("line {number:04}")));
    assert_eq!(lines_of(&written), expected);
}

#[test]
fn what_waits_is_written_before_the_end() {
    let (gated, gate) = gate();
    let (lines, flush) = start(gated, CAPACITY, TOO_LONG, say_lost).unwrap();
    push(&lines, 0..1);
    gate.wait_for_a_write();
    push(&lines, 1..1000);
    let Gate { asks, answers, written } = gate;
    drop((asks, answers));
    drop(flush);
    let expected: Vec<String> = (0..1000).map(|number| format!("line {number:04}")).collect();
    assert_eq!(lines_of(&written), expected);
}

#[test]
fn a_writer_that_stays_blocked_does_not_hold_up_the_end() {
    let (gated, gate) = gate();
    let (lines, flush) = start(gated, CAPACITY, Duration::from_millis(20), say_lost).unwrap();
    push(&lines, 0..1);
    gate.wait_for_a_write();
    let (done, is_done) = channel();
    thread::spawn(move || {
        drop(flush);
        done.send(()).unwrap();
    });
    is_done.recv_timeout(TOO_LONG).expect("the end does not wait for the writer");
    assert_eq!(lines_of(&gate.written), [""; 0]);
}

#[test]
fn lines_that_cannot_be_written_are_counted_and_said_once_others_can() {
    let (gated, gate) = gate();
    let (lines, flush) = start(gated, CAPACITY, TOO_LONG, say_lost).unwrap();
    let fail = || gate.answers.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
    push(&lines, 0..1);
    gate.wait_for_a_write();
    push(&lines, 1..3);
    fail();
    // The word about line 0 fails, and fails again before lines 1 and 2, which fail, as does the word about all three.
    for _ in 0..4 {
        gate.wait_for_a_write();
        fail();
    }
    push(&lines, 3..4);
    let Gate { asks, answers, written } = gate;
    drop((asks, answers));
    drop(flush);
    assert_eq!(lines_of(&written), ["lost 3", "line 0003"]);
}

#[test]
fn a_line_that_never_fits_is_lost_and_said() {
    let (gated, gate) = gate();
    let Gate { asks, answers, written } = gate;
    drop((asks, answers));
    let (lines, flush) = start(gated, LINE - 1, TOO_LONG, say_lost).unwrap();
    push(&lines, 0..1);
    drop(flush);
    assert_eq!(lines_of(&written), ["lost 1"]);
}

#[test]
fn a_writer_that_panics_does_not_hold_up_the_end() {
    struct Panicking;
    impl Write for Panicking {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            panic!("a defect");
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (lines, flush) = start(Panicking, CAPACITY, TOO_LONG, say_lost).unwrap();
    push(&lines, 0..1);
    drop(flush);
    push(&lines, 1..2);
}

#[test]
fn a_burst_does_not_keep_its_memory() {
    let (gated, gate) = gate();
    let (lines, flush) = start(gated, CAPACITY, TOO_LONG, say_lost).unwrap();
    lines.clone().write_all(&vec![b'\n'; CAPACITY]).unwrap();
    gate.wait_for_a_write();
    gate.answers.send(Ok(())).unwrap();
    // The buffers are swapped: with the next batch, the one that held the burst is the one to be filled again.
    push(&lines, 0..1);
    gate.wait_for_a_write();
    assert!(lines.0.lock().lines.capacity() <= KEPT_BUFFER);
    drop(gate.answers);
    drop(flush);
    assert_eq!(gate.written.lock().unwrap().len(), CAPACITY + LINE);
}
