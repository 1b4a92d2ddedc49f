/**
 * Claude Code itself, headless, with nothing but a gateway's address and key.
 *
 * It runs offline: whatever it would say to anybody but the gateway is switched off, and its home is a folder of the
 * test's own. What it sends is read from the emulator's journal.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';

import { newCustomer, script } from './customer.js';

/** The program lies in the package of this machine's kind; the package `claude-code` only starts it. */
function program() {
  const { report } = process;
  const musl = process.platform === 'linux' && !report.getReport().header.glibcVersionRuntime ? '-musl' : '';
  const name = `@anthropic-ai/claude-code-${process.platform}-${process.arch}${musl}`;
  return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'claude');
}

let customer;
let home;
let project;

before(async () => {
  customer = await newCustomer();
  home = await mkdtemp(join(tmpdir(), 'portcullis-claude-home-'));
  project = await mkdtemp(join(tmpdir(), 'portcullis-claude-project-'));
});

after(async () => {
  await rm(home, { recursive: true, force: true });
  await rm(project, { recursive: true, force: true });
});

/** Runs `claude`; resolves to what it wrote, one value a line. */
function claude(args, environment = {}) {
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    CLAUDE_CONFIG_DIR: join(home, '.claude'),
    ANTHROPIC_BASE_URL: customer.address,
    ANTHROPIC_AUTH_TOKEN: customer.key,
    ANTHROPIC_MODEL: customer.model(),
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    DISABLE_ERROR_REPORTING: '1',
    DISABLE_TELEMETRY: '1',
    ...environment,
  };
  return new Promise((resolve, reject) => {
    const child = execFile(program(), args, { cwd: project, env, timeout: 60_000 }, (error, stdout, stderr) => {
      const lines = stdout.split('\n').filter(Boolean);
      try {
        resolve(lines.map((line) => JSON.parse(line)));
      } catch {
        reject(new Error(`claude ${args.join(' ')}: ${error}\n${stdout}\n${stderr}`));
      }
    });
    child.stdin.end();
  });
}

/** It marks its prompt to be cached, so most of it is counted as written or read there. */
function tokensRead({ usage }) {
  return usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens;
}

test('a question is answered', async () => {
  const [result] = await claude(['-p', 'Say hello.', '--output-format', 'json']);
  assert.equal(result.type, 'result');
  assert.equal(result.is_error, false, result.result);
  assert.match(result.result, /^Hello from the emulator!/);
  assert.ok(tokensRead(result) > 1000, 'its system prompt and tools have arrived');
  assert.deepEqual(Object.keys(result.modelUsage), [customer.model()]);
});

test('what it sends arrives as it was sent', async () => {
  const before = (await customer.arrived()).length;
  await claude(['-p', 'Say hello.', '--output-format', 'json']);
  const served = (await customer.arrived()).slice(before).filter((request) => request.status === 200);
  const [question] = served.filter((request) => request.stream);
  assert.equal(question.model, 'claude-haiku-4-5');
  assert.equal(question.anthropic_version, '2023-06-01');
  assert.match(question.anthropic_beta, /interleaved-thinking-2025-05-14/);
});

test('a tool runs, and its result goes back', async () => {
  // The emulator calls the first tool there is with an example of its arguments: it reads the file `example`.
  await writeFile(join(project, 'example'), 'the word is marmalade\n');
  const events = await claude([
    ...['-p', script('tool_use'), '--tools', 'Read', '--allowedTools', 'Read'],
    ...['--output-format', 'stream-json', '--verbose'],
  ]);
  // It thinks before it calls, and the emulator refuses a thought that does not come back as it was.
  const kinds = events.flatMap((event) => event.message?.content.map((block) => block.type) ?? []);
  assert.deepEqual(kinds, ['thinking', 'text', 'tool_use', 'tool_result', 'text']);
  assert.match(events.at(-1).result, /^The tool answered: .*the word is marmalade/);
  assert.equal(events.at(-1).num_turns, 2);
});

test('a conversation goes on', async () => {
  const [first] = await claude(['-p', 'Say hello.', '--output-format', 'json']);
  const [second] = await claude(['-p', 'And now?', '--resume', first.session_id, '--output-format', 'json']);
  assert.equal(second.is_error, false, second.result);
  assert.match(second.result, /And now\?/);
  assert.ok(tokensRead(second) > tokensRead(first), 'the first turn came along');
});

test('a wrong key is told', async () => {
  const [result] = await claude(['-p', 'Hello', '--output-format', 'json'], {
    ANTHROPIC_AUTH_TOKEN: 'pcs_wrong',
    // It asks again and again: a token may have been renewed meanwhile.
    CLAUDE_CODE_MAX_RETRIES: '0',
  });
  assert.equal(result.is_error, true);
  assert.equal(result.api_error_status, 401);
});

test('an unknown model is told', async () => {
  const [result] = await claude(['-p', 'Hello', '--output-format', 'json'], {
    ANTHROPIC_MODEL: customer.model('claude-nonexistent-9'),
  });
  assert.equal(result.is_error, true);
  assert.equal(result.api_error_status, 404);
});
