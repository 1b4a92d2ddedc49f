/** The `@anthropic-ai/sdk` client beside messages: counting, models, files and batches. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import Anthropic, { toFile } from '@anthropic-ai/sdk';

import { newCustomer, script } from './customer.js';
import { PDF } from './media.js';
import { until } from './until.js';

let customer;
let client;

before(async () => {
  customer = await newCustomer();
  client = new Anthropic({
    apiKey: customer.key,
    baseURL: customer.address,
    maxRetries: 0,
    timeout: 30_000,
    // Requests without a model say where they go.
    defaultHeaders: { 'x-portkey-provider': `@${customer.provider}` },
  });
});

const user = (content) => ({ role: 'user', content });

test('tokens are counted without an answer', async () => {
  const before = (await customer.arrived()).length;
  const short = await client.messages.countTokens({ model: customer.model(), messages: [user('Hello')] });
  const long = await client.messages.countTokens({
    model: customer.model(),
    messages: [user('Hello '.repeat(500))],
  });
  assert.ok(long.input_tokens > short.input_tokens + 400);
  const operations = (await customer.arrived()).slice(before).map((request) => request.operation);
  assert.deepEqual(new Set(operations), new Set(['aws-external-anthropic:CountTokens']));
});

describe('models', () => {
  test('are listed, page after page', async () => {
    const ids = [];
    for await (const model of client.models.list({ limit: 3 })) ids.push(model.id);
    assert.ok(ids.length > 3);
    assert.equal(new Set(ids).size, ids.length);
    assert.ok(ids.some((id) => id.includes('claude-haiku-4-5')), ids.join());
  });

  test('are found by the id they are asked with', async () => {
    const model = await client.models.retrieve(customer.model());
    assert.equal(model.type, 'model');
    assert.match(model.id, /claude-haiku-4-5/);
    assert.ok(model.max_input_tokens > 0 && model.max_tokens > 0);
  });

  test('that are unknown are not found', () =>
    assert.rejects(client.models.retrieve('claude-nonexistent-9'), Anthropic.NotFoundError));
});

describe('files', () => {
  const pdf = () => toFile(Buffer.from(PDF, 'base64'), 'report.pdf', { type: 'application/pdf' });

  test('are uploaded, found, listed and deleted', async () => {
    const uploaded = await client.files.upload({ file: await pdf() });
    assert.match(uploaded.id, /^file_/);
    assert.deepEqual(
      [uploaded.filename, uploaded.mime_type, uploaded.size_bytes],
      ['report.pdf', 'application/pdf', Buffer.from(PDF, 'base64').length],
    );
    assert.deepEqual(await client.files.retrieveMetadata(uploaded.id), uploaded);
    const listed = [];
    for await (const file of client.files.list()) listed.push(file.id);
    assert.ok(listed.includes(uploaded.id));
    await client.files.delete(uploaded.id);
    await assert.rejects(client.files.retrieveMetadata(uploaded.id), Anthropic.NotFoundError);
  });

  test('are read in a message by their id', async () => {
    const { id } = await client.files.upload({ file: await pdf() });
    const document = { type: 'document', source: { type: 'file', file_id: id } };
    const ask = (block) =>
      client.beta.messages.create({
        model: customer.model(),
        max_tokens: 100,
        messages: [user([block, { type: 'text', text: 'What is this?' }])],
        betas: ['files-api-2025-04-14'],
      });
    assert.match((await ask(document)).content[0].text, /What is this\?/);
    const unknown = { type: 'document', source: { type: 'file', file_id: 'file_011CNha8iCJcU1wXNR6q4V8w' } };
    await assert.rejects(ask(unknown), (error) => [400, 404].includes(error.status));
  });

  test('that were uploaded are not downloaded again', async () => {
    const { id } = await client.files.upload({ file: await pdf() });
    await assert.rejects(client.files.download(id), Anthropic.BadRequestError);
  });
});

describe('batches', () => {
  const requests = (...texts) =>
    texts.map((text, index) => ({
      custom_id: `question-${index}`,
      params: { model: customer.model(), max_tokens: 100, messages: [user(text)] },
    }));

  test('run, and each result comes under its own id', async () => {
    const batch = await client.messages.batches.create({ requests: requests('one', 'two', script('refusal')) });
    assert.equal(batch.processing_status, 'in_progress');
    const ended = await until('the batch has ended', async () => {
      const now = await client.messages.batches.retrieve(batch.id);
      return now.processing_status === 'ended' && now;
    });
    assert.ok(ended.results_url.startsWith(customer.address), ended.results_url);
    const results = new Map();
    for await (const line of await client.messages.batches.results(batch.id)) {
      results.set(line.custom_id, line.result);
    }
    assert.deepEqual([...results.keys()].sort(), ['question-0', 'question-1', 'question-2']);
    assert.match(results.get('question-0').message.content[0].text, /one/);
    assert.match(results.get('question-1').message.content[0].text, /two/);
    const listed = [];
    for await (const { id } of client.messages.batches.list()) listed.push(id);
    assert.ok(listed.includes(batch.id));
    await client.messages.batches.delete(batch.id);
    await assert.rejects(client.messages.batches.retrieve(batch.id), Anthropic.NotFoundError);
  });

  test('are cancelled', async () => {
    const batch = await client.messages.batches.create({ requests: requests('one') });
    const cancelled = await client.messages.batches.cancel(batch.id);
    assert.ok(['canceling', 'ended'].includes(cancelled.processing_status));
  });

  test('with ids that are not unique are refused', async () => {
    const [request] = requests('one');
    await assert.rejects(
      client.messages.batches.create({ requests: [request, request] }),
      Anthropic.BadRequestError,
    );
  });
});
