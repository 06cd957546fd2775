// win32_errors.h: the Win32 errors and HRESULTs that xam's calls return. Source: kernel_constants.tsv.
#pragma once

enum win32_error {
    X_ERROR_SUCCESS = 0,
    X_ERROR_INVALID_HANDLE = 6,
    X_ERROR_NOT_ENOUGH_MEMORY = 8,
    X_ERROR_NO_MORE_FILES = 18,
    X_ERROR_INVALID_PARAMETER = 87,
    X_ERROR_INSUFFICIENT_BUFFER = 122,
    X_ERROR_IO_INCOMPLETE = 996,
    X_ERROR_IO_PENDING = 997,
    X_ERROR_NOT_FOUND = 1168,
    X_ERROR_NO_SUCH_USER = 1317,
    X_ERROR_FUNCTION_FAILED = 1627,
};

enum win32_hresult {
    X_E_OUTOFMEMORY = (int)0x8007000E,
    X_E_INVALIDARG = (int)0x80070057,
    X_E_DEVICE_NOT_CONNECTED = (int)0x8007048F,
    X_E_NOT_FOUND = (int)0x80070490,
    X_E_NO_SUCH_USER = (int)0x80070525,
};

// HRESULT_FROM_WIN32
#define X_HRESULT_OF(error) ((error) ? 0x80070000u | (uint32_t)(error) : 0u)
