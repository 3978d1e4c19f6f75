// Everyday work with node-postgres; see psycopg2_peer.py.
// Usage: node node_pg_peer.js work|denied HOST DATABASE TYPES
'use strict';

const fs = require('fs');
const {Client, Pool} = require('pg');

const CARD = '4111111111111111';
const [what, host, database, types] = process.argv.slice(2);
const address = {host, database, user: 'ann', port: 5432, application_name: 'node'};

function say(...parts) {
  console.log(parts.map((part) => typeof part === 'string' ? part : JSON.stringify(part)).join(' '));
}

async function rows(client, query, values) {
  const result = await client.query(query, values);
  say(result.command, result.rowCount, result.fields.map((field) => [field.name, field.dataTypeID, field.format]));
  say(result.rows);
}

async function fails(client, query, values) {
  try {
    await rows(client, query, values);
    say('no error');
  } catch (error) {
    say('error', error.code, error.severity, error.message, error.hint || null, error.constraint || null);
  }
}

async function allTypes(client) {
  for (const line of fs.readFileSync(types, 'utf8').split('\n').slice(0, -1)) {
    const [name, text] = line.split('\t');
    await rows(client, `select $1::text::${name} as it, array[$1::text::${name}, null] as many`, [text]);
    const raw = await client.query({text: `select $1::text::${name} as it`, values: [text], types: {getTypeParser: () => (value) => value}});
    say(name, String(raw.rows[0].it));
  }
  // As text: Debian's version asks for binary results with a Bind that no server takes.
  await rows(client, 'select $1::int4 as a, $2::text as b, $3::float8 as c', [1, 'x', 1.5]);
  await rows(client, 'select $1::bytea as a, $2::int4[] as b, $3::jsonb as c', [Buffer.from([0, 1, 255]), [1, null], {a: [1]}]);
}

async function transactions(client) {
  await client.query('begin');
  await client.query("insert into items values (1, 'one', 1.5)");
  await client.query('rollback');
  await rows(client, 'select * from items');
  await client.query('begin');
  await rows(client, 'insert into items values ($1, $2, $3, $4)', [1, 'one', 2.5, CARD]);
  await client.query('savepoint here');
  await fails(client, 'insert into items values (1)');
  await fails(client, 'select 1');
  await client.query('rollback to savepoint here');
  await client.query('commit');
  await rows(client, 'select * from items');
}

async function errors(client) {
  const heard = [];
  client.on('notice', (notice) => heard.push([notice.severity, notice.message]));
  await fails(client, 'select * from nowhere');
  await fails(client, 'selec');
  await fails(client, 'select 1/$1::int4', [0]);
  await fails(client, {name: 'broken', text: 'select * from nowhere where id = $1', values: [1]});
  await client.query("do $$ begin raise notice 'a notice'; raise warning 'a warning'; end $$");
  say(heard);
  for (const result of await client.query('select 1 as a; select 2 as b; select 3 as c')) say(result.rows);
}

async function prepared(client) {
  for (let i = 10; i < 400; ++i)
    await client.query({name: 'insert item', text: 'insert into items (id, name) values ($1, $2)', values: [i, `item ${i}`]});
  // All are queued at once; one of them fails.
  const asked = [];
  for (let i = 0; i < 300; ++i)
    asked.push(client.query({name: 'find', text: 'select name from items where id = $1', values: [i]}).then((result) => result.rows));
  asked.push(client.query('select 1/0').catch((error) => error.code));
  asked.push(client.query('select 1 as after'));
  const answers = await Promise.all(asked);
  say(answers.slice(0, 301), answers[301].rows);
}

async function largeResult(client) {
  const result = await client.query({text: 'select i, repeat(md5(i::text), 4) as t from generate_series(1, $1::int4) i', values: [20000], rows: 300});
  say(result.rows.reduce((total, row) => (total * 31 + row.i + row.t.charCodeAt(0)) % 1000003, 0));
  await client.query('begin');
  await client.query("declare large cursor for select i from generate_series(1, 1000) i");
  await rows(client, 'fetch 5 from large');
  await rows(client, 'move 500 from large');
  await rows(client, 'fetch 2 from large');
  await client.query('commit');
  say((await client.query("select repeat('x', 3000000) as x")).rows[0].x.length);
}

async function notifications(client) {
  const heard = new Promise((resolve) => {
    const all = [];
    client.on('notification', (one) => {
      all.push([one.channel, one.payload]);
      if (all.length === 3) resolve(all);
    });
  });
  await client.query('listen news');
  const pool = new Pool(address);
  await pool.query("select pg_notify('news', 'payload ' || i) from generate_series(1, 3) i");
  await pool.end();
  say(await heard);
}

async function cancel(client) {
  const pid = client.processID;
  const asked = fails(client, 'select pg_sleep(30)');
  await new Promise((resolve) => setTimeout(resolve, 500));
  const other = new Client(address);
  const socket = other.connection;
  socket.on('connect', () => socket.cancel(pid, client.secretKey));
  socket.on('error', () => {});
  socket.connect(5432, host);
  await asked;
  await rows(client, "select 'after the cancel' as it");
}

async function work(client) {
  await client.query('drop schema if exists node cascade; create schema node; set search_path to node');
  await rows(client, 'create table items (id int primary key, name text, price numeric, card text)');
  for (const part of [allTypes, transactions, errors, prepared, largeResult, notifications, cancel]) {
    say('---', part.name);
    await part(client);
  }
  await client.query('drop schema node cascade');
}

async function denied(client) {
  await fails(client, 'drop table customers');
  await rows(client, "select 'goes on' as it");
  await client.query('begin');
  await fails(client, {name: 'drop it', text: 'drop table customers'});
  await fails(client, 'select 1');
  await client.query('rollback');
  const asked = [client.query("select 'and on' as one"), client.query('drop table customers').catch((error) => ({rows: [error.code]})), client.query('select 2 as two')];
  for (const result of await Promise.all(asked)) say(result.rows);
}

async function main() {
  const client = new Client(address);
  await client.connect();
  await {work, denied}[what](client);
  await client.end();
  say('done');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
