-- One health circuit, in one hash with a TTL: the twin of window.py, move for move.
-- KEYS: the circuit. ARGV: the verb; minimum calls, failure ratio, open time, longest open time, length
-- and number of the window's buckets; then what the verb takes. Times are microseconds of this server.
-- Returns the state before, the state now, admitted, epoch, now, till, open time, calls, failures.

local STATES = {closed = true, open = true, half_open = true}
local key = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local verb = ARGV[1]
local minimum, ratio = tonumber(ARGV[2]), tonumber(ARGV[3])
local base, most = tonumber(ARGV[4]), tonumber(ARGV[5])
local bucket, buckets = tonumber(ARGV[6]), tonumber(ARGV[7])

local circuit = {}
local fields = redis.pcall('HGETALL', key)
for i = 1, #fields, 2 do circuit[fields[i]] = fields[i + 1] end
if fields.err or (#fields > 0 and not STATES[circuit.state]) then -- none of ours
  redis.call('DEL', key)
  circuit = {}
end
local state = circuit.state or 'closed'
local epoch = tonumber(circuit.epoch) or 0
local till = tonumber(circuit.till) or 0
local open_for = tonumber(circuit.open_for) or 0
local was, admitted = state, 0

local slot = math.floor(now / bucket)

local function counted(field)
  local number, calls, failures = string.match(circuit[field] or '', '^(%d+) (%d+) (%d+)$')
  number = tonumber(number)
  if number and slot - buckets < number and number <= slot then
    return number, tonumber(calls), tonumber(failures)
  end
  return nil, 0, 0
end

local function totals()
  local calls, failures = 0, 0
  for i = 0, buckets - 1 do
    local _, more, failed = counted('bucket' .. i)
    calls, failures = calls + more, failures + failed
  end
  return calls, failures
end

local function whole(number) return string.format('%.0f', number) end

-- Longer than anything lasts that the hash must outlive; never shortened.
local function keep(longest)
  local ms = math.ceil((longest + 2 * most + bucket * buckets) / 1000)
  if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, ms) end
end

local function move(to, lasting, opened)
  state, epoch, till, open_for = to, math.max(now, epoch + 1), now + lasting, opened
  redis.call('DEL', key)
  redis.call('HSET', key, 'state', state, 'epoch', whole(epoch), 'till', whole(till),
    'open_for', whole(open_for))
  keep(lasting)
end

local function count(health)
  local field = 'bucket' .. (slot % buckets)
  local number, calls, failures = counted(field)
  if number ~= slot then calls, failures = 0, 0 end
  if health == 'failure' then failures = failures + 1 end
  circuit[field] = whole(slot) .. ' ' .. whole(calls + 1) .. ' ' .. whole(failures)
  redis.call('HSET', key, field, circuit[field])
  keep(0)
end

local calls, failures = totals()

if verb == 'admit' then
  local lease = tonumber(ARGV[8])
  if state == 'closed' then
    if epoch == 0 then
      epoch = now
      redis.call('HSET', key, 'state', state, 'epoch', whole(epoch))
    end
    admitted = 1
    keep(lease)
  elseif now >= till then
    move('half_open', lease, open_for)
    admitted = 1
  end
elseif verb == 'report' and tonumber(ARGV[8]) == epoch then
  local health, jitter = ARGV[9], tonumber(ARGV[10])
  if state == 'half_open' then
    if health == 'success' then
      move('closed', 0, 0)
    elseif health == 'failure' then
      local longer = math.min(most, open_for * 2)
      move('open', math.floor(longer * jitter), longer)
    else
      till = 0
      redis.call('HSET', key, 'till', '0')
    end
  elseif health ~= 'neutral' then
    count(health)
    calls, failures = totals()
    if health == 'failure' and calls >= minimum and failures >= ratio * calls then
      move('open', math.floor(base * jitter), base)
    end
  end
elseif verb == 'renew' and tonumber(ARGV[8]) == epoch and state == 'half_open' and till > 0 then
  local lease = tonumber(ARGV[9])
  till = now + lease
  redis.call('HSET', key, 'till', whole(till))
  keep(lease)
elseif verb == 'reset' then
  move('closed', 0, 0)
end

return {was, state, admitted, epoch, now, till, open_for, calls, failures}
