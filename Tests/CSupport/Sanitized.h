// Whether this is built with a sanitizer that has an allocator or mutexes of its own.
#pragma once

#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define AP_TEST_SANITIZED 1
#endif
#endif
#ifndef AP_TEST_SANITIZED
#define AP_TEST_SANITIZED 0
#endif
