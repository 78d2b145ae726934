"""A client of brood's ManagerServer, with nothing but Python's standard library.

    import brood_manager
    manager = brood_manager.connect(('127.0.0.1', 5000), authkey=b'secret')
    counts = manager.dict('counts', 'text', 'i32')       # made, or found by its name
    counts['apples'] = 3
    counts.update_by('apples', lambda n: n + 1)          # d[k] = f(d[k]) as one step
    queue = manager.queue('work', 'text:64')
    queue.put('hello')
    with manager.lock('door'):
        ...

Types of elements: 'i8' .. 'i64', 'u8' .. 'u64', 'f32', 'f64', 'bool', 'text', 'bytes',
'plain:N' (a struct of N bytes, as bytes), 'handle' (an object: see Object.handle). In queues,
values and arrays texts and bytes have a fixed size, N of brood's Text<N> or Bytes<N>: 'text:64',
'bytes:64'.

A connection is one holder of locks, and does one call at a time, whichever thread calls; a thread
that waits for what another does connects for itself. When a connection ends, what it holds comes
back: the next to acquire is told so (Lock.acquire returns 'owner_died', which is true).

Needs Python 3.9. One before 3.12 knows only the older handshake: the server has to allow_legacy().
The wire is described in src/manager_wire.hpp.
"""
import queue as _queue
import struct as _struct
import threading as _threading
from multiprocessing import connection as _connection

__all__ = ['connect', 'Manager', 'BroodError']

_REQUEST = _struct.Struct('<6IiqqII')
_REPLY = _struct.Struct('<iiqqqII')
_VERSION = 1
_BYTE_ORDER = 0x0102030405060708

(_DICT, _LIST, _VALUE, _ARRAY, _QUEUE, _JOINABLE, _LOCK, _RLOCK, _SEMAPHORE, _BOUNDED, _CONDITION,
 _EVENT, _BARRIER) = range(1, 14)
(_HELLO, _BYE, _FIND, _MAKE, _DROP, _KEEP, _STATS) = range(1, 8)
(_DICT_GET, _DICT_SET, _DICT_ERASE, _DICT_POP, _DICT_CONTAINS, _DICT_SWAP, _DICT_POPITEM,
 _DICT_SIZE, _DICT_CLEAR, _DICT_ITEMS) = range(16, 26)
(_LIST_GET, _LIST_SET, _LIST_INSERT, _LIST_POP, _LIST_SWAP, _LIST_SEARCH, _LIST_SIZE, _LIST_ERASE,
 _LIST_REVERSE, _LIST_SORT, _LIST_ITEMS) = range(32, 43)
(_PUT, _GET, _SIZE, _SHUTDOWN, _TASK_DONE, _JOIN) = range(48, 54)
(_ACQUIRE, _RELEASE, _PERMITS, _NOTIFY, _WAIT) = range(64, 69)
(_SET, _CLEAR, _IS_SET) = range(72, 75)
(_BARRIER_WAIT, _ABORT, _RESET, _BARRIER_STATE) = range(80, 84)
(_READ, _WRITE, _COUNT, _ADD) = range(88, 92)

_NAMES = {
    1: 'timed_out', 5: 'would_block', 20: 'bad_argument', 21: 'size_zero', 22: 'size_too_large',
    23: 'name_empty', 26: 'name_too_long', 40: 'no_memory', 41: 'no_space', 45: 'not_found',
    46: 'already_exists', 47: 'unsupported', 66: 'wrong_process', 83: 'message_too_long',
    84: 'buffer_too_short', 85: 'bad_frame', 86: 'closed', 101: 'type_mismatch',
    102: 'version_mismatch', 104: 'corrupt', 105: 'owner_died', 106: 'not_owner',
    107: 'would_deadlock', 108: 'out_of_range', 109: 'too_many_members', 111: 'too_many_releases',
    112: 'broken_barrier', 113: 'too_many_task_done', 114: 'abandoned', 115: 'in_use', 127: 'full',
    131: 'empty'}
_ROOM = 1 << 30  # Python takes elements of any length.


class BroodError(Exception):
    """What the server said: `name`, as brood's Errc has it, `code`, `detail`."""

    def __init__(self, code, os_error=0, detail=0):
        self.code, self.os_error, self.detail = code, os_error, detail
        self.name = _NAMES.get(code, 'error %d' % code)
        super().__init__(self.name + (' (%d)' % detail if detail else ''))


class _Type:
    """How elements lie: in containers as their bytes, laid out as a T of `size` bytes does."""

    _NUMBERS = {
        'u8': (1, 'B'), 'u16': (1, 'H'), 'u32': (1, 'I'), 'u64': (1, 'Q'), 'i8': (2, 'b'),
        'i16': (2, 'h'), 'i32': (2, 'i'), 'i64': (2, 'q'), 'f32': (3, 'f'), 'f64': (3, 'd'),
        'bool': (4, '?')}

    def __init__(self, name):
        self.name, _, size = name.partition(':')
        self.size = int(size) if size else 0
        if self.name in self._NUMBERS and not size:
            sort, letter = self._NUMBERS[self.name]
            self.format = _struct.Struct('=' + letter)
            self.size = self.format.size
            self.word = sort << 24 | self.size
        elif self.name in ('text', 'bytes'):
            self.word = (5 if self.name == 'text' else 6) << 24
            if self.name == 'bytes' and self.size:
                self.room, self.size = self.size, (4 + self.size + 3) // 4 * 4
        elif self.name == 'plain' and self.size:
            self.word = 7 << 24 | self.size
        elif self.name == 'handle' and not size:
            self.size, self.word = 12, 8 << 24 | 12
        else:
            raise ValueError('no type of elements: %r' % name)

    @classmethod
    def of_word(cls, word):
        sort, size = word >> 24, word & 0xffffff
        for name, (its_sort, letter) in cls._NUMBERS.items():
            if its_sort == sort and _struct.calcsize('=' + letter) == size:
                return cls(name)
        return cls({5: 'text', 6: 'bytes', 8: 'handle'}.get(sort, 'plain:%d' % size))

    def pack(self, value):
        """As in a container."""
        if self.name == 'text':
            return value.encode()
        if self.name == 'handle':
            return value.handle if isinstance(value, Object) else bytes(value)
        if self.name in ('bytes', 'plain'):
            return bytes(value)
        return self.format.pack(value)

    def unpack(self, data):
        if self.name == 'text':
            return data.decode()
        if self.name in ('bytes', 'plain', 'handle'):
            return data
        return self.format.unpack(data)[0]

    def lay_out(self, value):
        """As in a queue or an array."""
        data = self.pack(value)
        if self.name == 'text':
            if len(data) >= self.size:
                raise ValueError('a text:%d holds %d bytes' % (self.size, self.size - 1))
            return data.ljust(self.size, b'\0')
        if self.name == 'bytes':
            if len(data) > self.room:
                raise ValueError('a bytes:%d holds no more' % self.room)
            return (_struct.pack('=I', len(data)) + data).ljust(self.size, b'\0')
        return data

    def taken_from(self, data):
        if self.name == 'text':
            return data.split(b'\0', 1)[0].decode()
        if self.name == 'bytes':
            count = _struct.unpack_from('=I', data)[0]
            return data[4:4 + min(count, self.room)]
        return self.unpack(data)

    def fixed(self):
        if not self.size:
            raise ValueError('%s needs its size here: %s:64, say' % (self.name, self.name))
        return self


def _ms(timeout):
    if timeout is None:
        return -1
    return min(max(0, int(timeout * 1000 + 0.999)), 2**31 - 1)


class Object:
    """An object of the manager, by its handle."""

    def __init__(self, manager, kind, types, entry, generation):
        self._manager, self._kind, self._types = manager, kind, types
        self._entry, self._generation = entry, generation

    def _ask(self, op, key=b'', value=b'', a=0, b=0, timeout=None, wanted=(0,)):
        return self._manager._ask(op, self._entry, self._generation, self._kind, self._types, key,
                                  value, a, b, timeout, wanted)

    @property
    def handle(self):
        """12 bytes, for elements of type 'handle'."""
        return _struct.pack('=III', self._manager._number, self._entry, self._generation)

    def drop(self):
        """Ends it, for everybody."""
        self._ask(_DROP)

    def keep(self):
        """One without a name goes with the connection that made it, unless it is kept."""
        self._ask(_KEEP)


def _padded(size):
    return (size + 3) // 4 * 4


class Dict(Object):
    """As a dict of Python; each call is one step, items() a copy of one moment."""

    def __init__(self, *of, key, value):
        super().__init__(*of)
        self._key, self._value = key, value

    def __getitem__(self, key):
        packed = self._key.pack(key)
        reply = self._ask(_DICT_GET, packed, b=_ROOM, wanted=(0, 45))
        if reply.code:
            raise KeyError(key)
        return self._value.unpack(reply.value)

    def get(self, key, default=None):
        try:
            return self[key]
        except KeyError:
            return default

    def __setitem__(self, key, value):
        self._ask(_DICT_SET, self._key.pack(key), self._value.pack(value))

    def __delitem__(self, key):
        if self._ask(_DICT_ERASE, self._key.pack(key), wanted=(0, 45)).code:
            raise KeyError(key)

    _NOTHING = object()

    def pop(self, key, default=_NOTHING):
        reply = self._ask(_DICT_POP, self._key.pack(key), b=_ROOM, wanted=(0, 45))
        if not reply.code:
            return self._value.unpack(reply.value)
        if default is Dict._NOTHING:
            raise KeyError(key)
        return default

    def popitem(self):
        reply = self._ask(_DICT_POPITEM, a=_ROOM, b=_ROOM, wanted=(0, 45))
        if reply.code:
            raise KeyError('the dictionary is empty')
        return self._key.unpack(reply.key), self._value.unpack(reply.value)

    def __contains__(self, key):
        return bool(self._ask(_DICT_CONTAINS, self._key.pack(key)).a)

    def __len__(self):
        return self._ask(_DICT_SIZE).a

    def clear(self):
        self._ask(_DICT_CLEAR)

    def update(self, other=(), **more):
        """One after the other, as dict.update()."""
        pairs = other.items() if hasattr(other, 'items') else other
        for key, value in list(pairs) + list(more.items()):
            self[key] = value

    def update_by(self, key, function, otherwise=None):
        """d[key] = function(d[key]) as one step; of a key that is not there,
        function(otherwise). The function may be called again, if others change the value."""
        packed = self._key.pack(key)
        while True:
            reply = self._ask(_DICT_GET, packed, b=_ROOM, wanted=(0, 45))
            old = b'' if reply.code else reply.value
            value = function(otherwise if reply.code else self._value.unpack(old))
            which = 2 if reply.code else 3
            new = self._value.pack(value)
            if self._ask(_DICT_SWAP, packed, old + new, a=which, b=len(old)).a:
                return value

    def setdefault(self, key, value):
        packed, new = self._key.pack(key), self._value.pack(value)
        while not self._ask(_DICT_SWAP, packed, new, a=2).a:
            reply = self._ask(_DICT_GET, packed, b=_ROOM, wanted=(0, 45))
            if not reply.code:
                return self._value.unpack(reply.value)
        return value

    def items(self):
        with self._manager._lock:
            copy, size = b'', None
            while size is None or len(copy) < size:
                reply = self._ask(_DICT_ITEMS, a=len(copy), b=_ROOM)
                size, copy = reply.a, copy + reply.value
        items, at = [], 0
        while at < len(copy):
            key, value = _struct.unpack_from('=II', copy, at)
            at += 8
            items.append((self._key.unpack(copy[at:at + key]),
                          self._value.unpack(copy[at + _padded(key):][:value])))
            at += _padded(key) + _padded(value)
        return items

    def keys(self):
        return [key for key, _ in self.items()]

    def values(self):
        return [value for _, value in self.items()]

    def __iter__(self):
        return iter(self.keys())

    def copy(self):
        return dict(self.items())


class Namespace(Object):
    """Values of different types by names, each noted with its type. An attribute that is set takes
    'bool', 'i64', 'f64', 'text' or 'bytes', unless set() is told another."""

    _KEPT = {bool: 'bool', int: 'i64', float: 'f64', str: 'text', bytes: 'bytes'}

    def set(self, name, value, element_type=None):
        element = _Type(element_type or self._KEPT[type(value)])
        self._ask(_DICT_SET, name.encode(), _struct.pack('=I', element.word) + element.pack(value))

    def __setattr__(self, name, value):
        if name.startswith('_'):
            super().__setattr__(name, value)
        else:
            self.set(name, value)

    def __getattr__(self, name):
        if name.startswith('_'):
            raise AttributeError(name)
        reply = self._ask(_DICT_GET, name.encode(), b=_ROOM, wanted=(0, 45))
        if reply.code:
            raise AttributeError(name)
        word = _struct.unpack_from('=I', reply.value)[0]
        return _Type.of_word(word).unpack(reply.value[4:])

    def __delattr__(self, name):
        if self._ask(_DICT_ERASE, name.encode(), wanted=(0, 45)).code:
            raise AttributeError(name)


class List(Object):
    """As a list of Python; each call is one step, a slice a copy of one moment."""

    def __init__(self, *of, element):
        super().__init__(*of)
        self._element = element

    def _elements(self, values):
        packed = [self._element.pack(value) for value in values]
        return b''.join(_struct.pack('<I', len(data)) + data for data in packed)

    def _at(self, op, index, value=b'', b=0):
        reply = self._ask(op, value=value, a=index, b=b, wanted=(0, 108))
        if reply.code:
            raise IndexError(index)
        return reply

    def append(self, value):
        self.extend((value,))

    def extend(self, values):
        self._ask(_LIST_INSERT, value=self._elements(values), a=2**63 - 1)

    def insert(self, index, value):
        self._ask(_LIST_INSERT, value=self._elements((value,)), a=index)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return self._slice(index)
        return self._element.unpack(self._at(_LIST_GET, index, b=_ROOM).value)

    def __setitem__(self, index, value):
        self._at(_LIST_SET, index, self._element.pack(value))

    def __delitem__(self, index):
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step != 1:
                raise ValueError('only a slice of step 1 can be deleted')
            self._ask(_LIST_ERASE, a=start, b=stop)
        else:
            self.pop(index)

    def pop(self, index=-1):
        return self._element.unpack(self._at(_LIST_POP, index, b=_ROOM).value)

    def update_by(self, index, function):
        """l[index] = function(l[index]) as one step. The function may be called again."""
        while True:
            old = self._at(_LIST_GET, index, b=_ROOM).value
            value = function(self._element.unpack(old))
            if self._at(_LIST_SWAP, index, old + self._element.pack(value), len(old)).a:
                return value

    def _search(self, what, value):
        reply = self._ask(_LIST_SEARCH, value=self._element.pack(value), a=what, wanted=(0, 45))
        return None if reply.code else reply.a

    def index(self, value):
        found = self._search(0, value)
        if found is None:
            raise ValueError('%r is not in the list' % (value,))
        return found

    def count(self, value):
        return self._search(1, value)

    def remove(self, value):
        if self._search(2, value) is None:
            raise ValueError('%r is not in the list' % (value,))

    def __contains__(self, value):
        return self._search(0, value) is not None

    def __len__(self):
        return self._ask(_LIST_SIZE).a

    def clear(self):
        self._ask(_LIST_ERASE, a=-2**63, b=2**63 - 1)

    def reverse(self):
        self._ask(_LIST_REVERSE)

    def sort(self):
        self._ask(_LIST_SORT)

    def _slice(self, index):
        step = 1 if index.step is None else index.step
        first, last = (0, 2**63 - 1) if step > 0 else (-1, -2**63)
        start = first if index.start is None else index.start
        stop = last if index.stop is None else index.stop
        key, values, count = _struct.pack('<qqq', start, stop, step), [], None
        with self._manager._lock:
            while count is None or len(values) < count:
                reply = self._ask(_LIST_ITEMS, key=b'' if values else key, a=len(values))
                count, at = reply.a, 0
                while at < len(reply.value):
                    size = _struct.unpack_from('<I', reply.value, at)[0]
                    values.append(self._element.unpack(reply.value[at + 4:at + 4 + size]))
                    at += 4 + size
        return values

    def __iter__(self):
        return iter(self[:])


class Queue(Object):
    """As multiprocessing.JoinableQueue. What waits for a full or an empty queue and has no time
    left raises queue.Full, queue.Empty."""

    def __init__(self, *of, element):
        super().__init__(*of)
        self._element = element

    @staticmethod
    def _time(block, timeout):
        return timeout if block else 0

    def put(self, message, block=True, timeout=None):
        data = self._element.lay_out(message)
        reply = self._ask(_PUT, value=data, timeout=self._time(block, timeout),
                          wanted=(0, 1, 5, 127))
        if reply.code:
            raise _queue.Full

    def put_nowait(self, message):
        self.put(message, False)

    def get(self, block=True, timeout=None):
        reply = self._ask(_GET, timeout=self._time(block, timeout), wanted=(0, 1, 5, 131))
        if reply.code:
            raise _queue.Empty
        return self._element.taken_from(reply.value)

    def get_nowait(self):
        return self.get(False)

    def qsize(self):
        return self._ask(_SIZE).a

    def empty(self):
        return self.qsize() == 0

    def full(self):
        reply = self._ask(_SIZE)
        return reply.b != 0 and reply.a >= reply.b

    def shutdown(self, immediate=False):
        self._ask(_SHUTDOWN, a=int(immediate))

    def task_done(self):
        self._ask(_TASK_DONE)

    def join(self, timeout=None):
        self._ask(_JOIN, timeout=timeout)


class Lock(Object):
    """A lock, an RLock or a semaphore; of a condition, and of a value or an array, its lock."""

    def acquire(self, block=True, timeout=None):
        """False: time ran out. True, or 'owner_died': it is held now, but the last holder died
        while he held it."""
        reply = self._ask(_ACQUIRE, timeout=timeout if block else 0, wanted=(0, 1, 5, 105))
        return 'owner_died' if reply.code == 105 else not reply.code

    def release(self, permits=1):
        self._ask(_RELEASE, a=permits)

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *_):
        self.release()

    def get_value(self):
        """Of a semaphore: how many can be acquired."""
        return self._ask(_PERMITS).a


class Condition(Lock):
    def wait(self, timeout=None):
        return not self._ask(_WAIT, timeout=timeout, wanted=(0, 1)).code

    def notify(self, n=1):
        self._ask(_NOTIFY, a=n)

    def notify_all(self):
        self.notify(2**31 - 1)


class Event(Object):
    def set(self):
        self._ask(_SET)

    def clear(self):
        self._ask(_CLEAR)

    def is_set(self):
        return bool(self._ask(_IS_SET).a)

    def wait(self, timeout=None):
        return not self._ask(_WAIT, timeout=timeout, wanted=(0, 1)).code


class Barrier(Object):
    def wait(self, timeout=None):
        """With its own timeout, unless one is given. Raises threading.BrokenBarrierError."""
        own = int(timeout is None)
        reply = self._ask(_BARRIER_WAIT, a=own, timeout=timeout, wanted=(0, 1, 112))
        if reply.code:
            raise _threading.BrokenBarrierError
        return reply.a

    def abort(self):
        self._ask(_ABORT)

    def reset(self):
        self._ask(_RESET)

    @property
    def parties(self):
        return self._ask(_BARRIER_STATE).a

    @property
    def n_waiting(self):
        return max(0, self._ask(_BARRIER_STATE).b)

    @property
    def broken(self):
        return self._ask(_BARRIER_STATE).b < 0


class Array(Object):
    """Elements of one type, or (Value) one. Numbers are read and written whole; for more than that
    there is get_lock()."""

    def __init__(self, *of, element):
        super().__init__(*of)
        self._element = element

    def read(self, first=0, count=None):
        count = len(self) - first if count is None else count
        data, size = self._ask(_READ, a=first, b=count).value, self._element.size
        return [self._element.taken_from(data[at:at + size]) for at in range(0, len(data), size)]

    def write(self, first, values):
        self._ask(_WRITE, value=b''.join(map(self._element.lay_out, values)), a=first)

    def add(self, index, amount):
        """Adds to an integer as one step, and returns what it was."""
        return self._ask(_ADD, a=index, b=amount).a

    def get_lock(self):
        return Lock(self._manager, self._kind, self._types, self._entry, self._generation)

    def __len__(self):
        return self._ask(_COUNT).a

    def _index(self, index):
        if index < 0:
            index += len(self)
        return index

    def __getitem__(self, index):
        if isinstance(index, slice):
            return self.read()[index]
        reply = self._ask(_READ, a=self._index(index), b=1, wanted=(0, 108))
        if reply.code:
            raise IndexError(index)
        return self._element.taken_from(reply.value)

    def __setitem__(self, index, value):
        data = self._element.lay_out(value)
        if self._ask(_WRITE, value=data, a=self._index(index), wanted=(0, 108)).code:
            raise IndexError(index)


class Value(Array):
    @property
    def value(self):
        return self[0]

    @value.setter
    def value(self, value):
        self[0] = value


class _Reply:
    __slots__ = ('code', 'os_error', 'detail', 'a', 'b', 'key', 'value')


class Manager:
    """A connection to a ManagerServer. Each method with a name finds the object of that name, or
    makes it; without a name (None) it makes one that goes with the connection."""

    def __init__(self, connection):
        self._connection, self._lock, self._number = connection, _threading.RLock(), 0
        order = _struct.pack('=Q', _BYTE_ORDER)
        self._number = self._ask(_HELLO, value=order, a=_VERSION).a

    def _ask(self, op, entry=0, generation=0, kind=0, types=(0, 0), key=b'', value=b'', a=0, b=0,
             timeout=None, wanted=(0,)):
        head = _REQUEST.pack(op, entry, generation, kind, *types, _ms(timeout), a, b, len(key),
                             len(value))
        with self._lock:
            try:
                self._connection.send_bytes(head + key + value)
                message = self._connection.recv_bytes()
            except OSError:
                self._connection.close()
                raise
            except EOFError:
                self._connection.close()
                raise EOFError('the server has ended') from None
        reply = _Reply()
        (reply.code, reply.os_error, reply.detail, reply.a, reply.b, keys,
         _) = _REPLY.unpack_from(message)
        reply.key = message[_REPLY.size:_REPLY.size + keys]
        reply.value = message[_REPLY.size + keys:]
        if reply.code not in wanted:
            raise BroodError(reply.code, reply.os_error, reply.detail)
        return reply

    def _object(self, of, name, kind, types=(0, 0), a=0, b=0, initial=b'', **more):
        called = (name or '').encode()
        reply = None
        if name:
            reply = self._ask(_FIND, kind=kind, types=types, key=called, wanted=(0, 45))
        if reply is None or reply.code:
            reply = self._ask(_MAKE, kind=kind, types=types, key=called, a=a, b=b,
                              value=initial, wanted=(0, 46))
        if reply.code:  # Another has made it meanwhile.
            reply = self._ask(_FIND, kind=kind, types=types, key=called)
        return of(self, kind, types, reply.a, reply.b, **more)

    def dict(self, name, key_type, value_type):
        key, value = _Type(key_type), _Type(value_type)
        return self._object(Dict, name, _DICT, (key.word, value.word), key=key, value=value)

    def namespace(self, name=None):
        return self._object(Namespace, name, _DICT, (_Type('text').word, 0))

    def list(self, name, element_type):
        element = _Type(element_type)
        return self._object(List, name, _LIST, (element.word, 0), element=element)

    def _laid_out(self, of, name, kind, element_type, a=0, value=None):
        element = _Type(element_type).fixed()
        data = b'' if value is None else element.lay_out(value)
        return self._object(of, name, kind, (element.word, element.size), a=a, initial=data,
                            element=element)

    def queue(self, name, message_type, maxsize=0):
        return self._laid_out(Queue, name, _QUEUE, message_type, a=maxsize)

    def joinable_queue(self, name, message_type, maxsize=0):
        return self._laid_out(Queue, name, _JOINABLE, message_type, a=maxsize)

    def value(self, name, element_type, value=None):
        return self._laid_out(Value, name, _VALUE, element_type, value=value)

    def array(self, name, element_type, count=0):
        return self._laid_out(Array, name, _ARRAY, element_type, a=count)

    def lock(self, name=None):
        return self._object(Lock, name, _LOCK)

    def rlock(self, name=None):
        return self._object(Lock, name, _RLOCK)

    def semaphore(self, permits=1, name=None):
        return self._object(Lock, name, _SEMAPHORE, a=permits)

    def bounded_semaphore(self, permits=1, name=None):
        return self._object(Lock, name, _BOUNDED, a=permits)

    def condition(self, name=None, waiters=126):
        return self._object(Condition, name, _CONDITION, a=waiters)

    def event(self, name=None):
        return self._object(Event, name, _EVENT)

    def barrier(self, parties=0, name=None, timeout=None):
        return self._object(Barrier, name, _BARRIER, a=parties, b=_ms(timeout))

    def stats(self):
        reply = self._ask(_STATS)
        objects, most = _struct.unpack('<II', reply.value)
        return {'bytes_used': reply.a, 'bytes_max': reply.b, 'objects': objects,
                'objects_max': most}

    def close(self):
        """Releases what is held by this connection, and ends it."""
        if not self._connection.closed:
            try:
                self._ask(_BYE)
            except (OSError, EOFError, BroodError):
                pass
            self._connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def connect(address, authkey=None):
    """Connects to a ManagerServer at `address`: ('host', port), or the path of a socket."""
    return Manager(_connection.Client(address, authkey=authkey))
