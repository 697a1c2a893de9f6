import { QUEUE } from './queue-lua.ts';
import { toScript } from './script.ts';

const LEDGER = `${QUEUE}
local function runs(id)
  local leaseEnd = redis.call('ZSCORE', running, id)
  return leaseEnd and tonumber(leaseEnd) > now and leaseEnd or nil
end

local function record(id)
  local found = fields(id, 'state', 'pushed', 'reason')
  local leaseEnd = runs(id)
  -- After a lease has ended, the hash has 'running' until the job is claimed again.
  if found[8] == 'running' and not leaseEnd then found[8] = 'waiting' end
  table.insert(found, leaseEnd or '')
  return found
end

-- The rule of a job that does not run, or nil.
local function ruleOfIdle(id)
  local rule = redis.call('HGET', job(id), 'rule')
  if rule and not runs(id) then return rule end
end
`;

/**
 * ARGV: number of jobs to read, the id after which to begin or '', the state or '', the rule or ''.
 * Returns the id of the last job that was read, '' if there are no more, and the records of the
 * jobs that match. There are few running jobs, so all of them are read; of the others it reads only
 * the given number.
 */
export const LIST = toScript(
  'reading',
  `${LEDGER}
local most, after, state = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local ids = {}
local function take(jobs)
  local behind = after == '' and '-' or '(' .. after
  for _, id in ipairs(redis.call('ZRANGEBYLEX', jobs, behind, '+', 'LIMIT', 0, most)) do table.insert(ids, id) end
end
if state == '' or state == 'waiting' then take(waiting) end
if state == '' or state == 'dead' then take(dead) end
if state ~= 'dead' then
  for _, id in ipairs(redis.call('ZRANGE', running, 0, -1)) do
    if id > after then table.insert(ids, id) end
  end
end
table.sort(ids)

local function fits(id)
  local rule = redis.call('HGET', job(id), 'rule')
  if not rule or ARGV[4] ~= '' and rule ~= ARGV[4] then return false end
  return state == '' or state == 'dead' or (runs(id) ~= nil) == (state == 'running')
end
local records = {}
for n = 1, math.min(most, #ids) do
  if fits(ids[n]) then table.insert(records, record(ids[n])) end
end
return { #ids >= most and ids[most] or '', records }`,
);

/** ARGV: id. */
export const FIND = toScript(
  'reading',
  `${LEDGER}
if redis.call('EXISTS', job(ARGV[1])) == 0 then return false end
return record(ARGV[1])`,
);

export const COUNTS = toScript(
  'reading',
  `${LEDGER}
local ended = redis.call('ZCOUNT', running, '-inf', now)
return { redis.call('ZCARD', waiting) + ended, redis.call('ZCARD', running) - ended, redis.call('ZCARD', dead) }`,
);

/** ARGV: id. */
export const RETRY = toScript(
  'writing',
  `${LEDGER}
local rule = ruleOfIdle(ARGV[1])
if not rule then return 0 end
leave(ARGV[1], rule)
redis.call('HDEL', job(ARGV[1]), 'lease', 'leaseMs')
redis.call('HSET', job(ARGV[1]), 'state', 'waiting', 'due', now, 'attempts', 0, 'failures', 0, 'vanished', 0, 'reason', '')
await(ARGV[1], rule, now)
return 1`,
);

/** ARGV: id. */
export const DROP = toScript(
  'writing',
  `${LEDGER}
local rule = ruleOfIdle(ARGV[1])
if not rule then return 0 end
leave(ARGV[1], rule)
redis.call('DEL', job(ARGV[1]))
return 1`,
);
