/** The `openai` client beside answers: models, files and batches. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import OpenAI, { toFile } from 'openai';

import { newCustomer } from './customer.js';
import { PDF } from './media.js';
import { until } from './until.js';

let customer;
let client;

before(async () => {
  customer = await newCustomer();
  client = new OpenAI({
    apiKey: customer.key,
    baseURL: customer.v1,
    maxRetries: 0,
    timeout: 30_000,
    // Requests without a model say where they go.
    defaultHeaders: { 'x-portkey-provider': `@${customer.provider}` },
  });
});

describe('models', () => {
  const ids = async (from) => {
    const models = [];
    for await (const model of from.models.list()) models.push(model);
    assert.ok(models.every(({ object, owned_by, created }) =>
      object === 'model' && owned_by === 'anthropic' && Number.isInteger(created)));
    return models.map((model) => model.id);
  };

  test('are listed under the names they are asked with', async () => {
    // To whoever names no provider, the provider is a part of the name.
    const open = new OpenAI({ apiKey: customer.key, baseURL: customer.v1, maxRetries: 0 });
    assert.ok((await ids(open)).includes(customer.model()));
    assert.ok((await ids(client)).includes('claude-haiku-4-5'));
  });

  test('are found by that name', async () => {
    const model = await client.models.retrieve(customer.model());
    assert.deepEqual([model.id, model.object], [customer.model(), 'model']);
  });

  test('that are unknown are not found', () =>
    assert.rejects(client.models.retrieve(customer.model('claude-nonexistent-9')), {
      status: 404,
      code: 'model_not_found',
    }));
});

describe('files', () => {
  const pdf = () => toFile(Buffer.from(PDF, 'base64'), 'report.pdf', { type: 'application/pdf' });

  test('are uploaded, found, listed and deleted', async () => {
    const file = await client.files.create({ file: await pdf(), purpose: 'user_data' });
    assert.match(file.id, /^file-/);
    assert.deepEqual(
      [file.object, file.filename, file.purpose, file.bytes],
      ['file', 'report.pdf', 'user_data', Buffer.from(PDF, 'base64').length],
    );
    assert.equal((await client.files.retrieve(file.id)).filename, 'report.pdf');
    const listed = [];
    for await (const { id } of client.files.list()) listed.push(id);
    assert.ok(listed.includes(file.id));
    const gone = await client.files.delete(file.id);
    assert.deepEqual([gone.id, gone.deleted], [file.id, true]);
    await assert.rejects(client.files.retrieve(file.id), OpenAI.NotFoundError);
  });

  test('are read in a question by their id', async () => {
    const { id } = await client.files.create({ file: await pdf(), purpose: 'user_data' });
    const content = [{ type: 'text', text: 'What is this?' }, { type: 'file', file: { file_id: id } }];
    const ask = (content) =>
      client.chat.completions.create({
        model: customer.model(),
        max_tokens: 100,
        messages: [{ role: 'user', content }],
      });
    assert.match((await ask(content)).choices[0].message.content, /What is this\?/);
    const unknown = [{ type: 'file', file: { file_id: 'file-00000000000000000000000000000000' } }];
    await assert.rejects(ask(unknown), { status: 400, param: 'messages[0].content[0].file.file_id' });
  });

  test('for purposes that Claude has not are refused by name', async () => {
    const asking = client.files.create({ file: await pdf(), purpose: 'fine-tune' });
    await assert.rejects(asking, { status: 400, param: 'purpose' });
  });
});

describe('batches', () => {
  const line = (custom_id, content) => ({
    custom_id,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: customer.model(), max_tokens: 100, messages: [{ role: 'user', content }] },
  });

  async function upload(lines) {
    const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
    const { id } = await client.files.create({
      file: await toFile(Buffer.from(text), 'batch.jsonl'),
      purpose: 'batch',
    });
    return id;
  }

  const create = (input_file_id) =>
    client.batches.create({ input_file_id, endpoint: '/v1/chat/completions', completion_window: '24h' });

  const over = (id) =>
    until('the batch is over', async () => {
      const batch = await client.batches.retrieve(id);
      return ['completed', 'failed', 'cancelled', 'expired'].includes(batch.status) && batch;
    });

  const linesOf = async (file_id) => {
    const text = await (await client.files.content(file_id)).text();
    return text.trim().split('\n').map(JSON.parse);
  };

  test('run, and their results come in the order of the input', async () => {
    const refused = line('cannot be', 'Hello');
    refused.body.n = 2;
    const input = await upload([line('ask/1', 'one'), refused, line('ask/2', 'two')]);
    const created = await create(input);
    assert.deepEqual([created.object, created.input_file_id], ['batch', input]);
    const batch = await over(created.id);
    assert.equal(batch.status, 'completed', JSON.stringify(batch.errors));
    assert.deepEqual(batch.request_counts, { total: 3, completed: 2, failed: 1 });
    const output = await linesOf(batch.output_file_id);
    assert.deepEqual(
      output.map((line) => line.custom_id),
      ['ask/1', 'ask/2'],
    );
    assert.deepEqual(
      output.map((line) => [line.response.status_code, line.response.body.object]),
      Array(2).fill([200, 'chat.completion']),
    );
    assert.match(output[1].response.body.choices[0].message.content, /two/);
    const [error] = await linesOf(batch.error_file_id);
    assert.equal(error.custom_id, 'cannot be');
    assert.deepEqual([error.response.status_code, error.response.body.error.param], [400, 'n']);
  });

  test('whose lines are not what they must be fail, and say which line', async () => {
    const batch = await over((await create(await upload([line('a', 'one'), '{"custom_id":']))).id);
    assert.equal(batch.status, 'failed');
    assert.equal(batch.errors.data[0].line, 2);
    assert.equal(batch.errors.data[0].code, 'invalid_json_line');
  });

  test('are cancelled and listed', async () => {
    const { id } = await create(await upload([line('a', 'one')]));
    const cancelled = await client.batches.cancel(id);
    assert.ok(['cancelling', 'cancelled', 'completed'].includes(cancelled.status), cancelled.status);
    const listed = [];
    for await (const batch of client.batches.list()) listed.push(batch.id);
    assert.ok(listed.includes(id));
  });
});
